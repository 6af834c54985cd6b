// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A challenge as a client gave it back: a secret between the two, neither stored nor printed.
public struct PresentedChallenge: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The text, for the wire alone.
    public let text: String

    /// From the text on the wire.
    public init(_ text: String) {
        self.text = text
    }

    /// Never the text.
    public var description: String { "<redacted>" }
    /// No children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
