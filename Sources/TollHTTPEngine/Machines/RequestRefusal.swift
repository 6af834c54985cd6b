// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Why a request is not served: the status to answer before the connection is closed, and a code to log and to show.
public struct RequestRefusal: Error, Hashable, Sendable {
    /// The status of the answer.
    public let status: Int
    /// The rule that was broken, as `two_hosts`.
    public let code: String

    init(_ status: Int, _ code: String) {
        self.status = status
        self.code = code
    }
}
