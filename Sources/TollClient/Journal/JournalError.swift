// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Why the journal cannot be used. Nothing is paid then: without it no budget can be kept.
public struct JournalError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file and what is wrong with it.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
