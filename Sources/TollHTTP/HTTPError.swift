// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Why an exchange failed.
public struct HTTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, in one word.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case connectFailed, timedOut, disconnected, malformed, tooLarge, cancelled, tls, invalidMessage, unavailable
        }
        private let kind: Kind

        /// No connection could be made: name not found, refused, unreachable.
        public static let connectFailed = Self(kind: .connectFailed)
        /// A deadline passed.
        public static let timedOut = Self(kind: .timedOut)
        /// The peer closed or reset the connection before the exchange was complete.
        public static let disconnected = Self(kind: .disconnected)
        /// The peer sent something that is not HTTP.
        public static let malformed = Self(kind: .malformed)
        /// A head or body is over its limit.
        public static let tooLarge = Self(kind: .tooLarge)
        /// The task was cancelled.
        public static let cancelled = Self(kind: .cancelled)
        /// The TLS handshake or the certificate's verification failed.
        public static let tls = Self(kind: .tls)
        /// What the caller asked to send cannot be sent.
        public static let invalidMessage = Self(kind: .invalidMessage)
        /// A limit of our own is reached or the engine is shutting down.
        public static let unavailable = Self(kind: .unavailable)

        /// The code's name.
        public var description: String { self.kind.rawValue }
    }

    /// What went wrong.
    public let code: Code
    /// What happened, for a person. Never contains a field's value or a body.
    public let reason: String
    /// True when no byte of the request can have reached the peer: repeating it is safe whatever its method.
    public let isBeforeSend: Bool

    /// An error of this code.
    public init(_ code: Code, _ reason: String, isBeforeSend: Bool = false) {
        self.code = code
        self.reason = reason
        self.isBeforeSend = isBeforeSend
    }

    /// `code: reason`.
    public var description: String { "\(self.code): \(self.reason)" }
}
