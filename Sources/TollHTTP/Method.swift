// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A request method (RFC 9110 §9): a token, compared with regard to case.
public struct Method: Hashable, Sendable, CustomStringConvertible {
    /// The token, as `GET`.
    public let token: String

    /// The token.
    public var description: String { self.token }

    /// Nil when the text is empty or no token.
    public init?(_ token: String) {
        guard !token.isEmpty, token.utf8.allSatisfy(ByteGrammar.isToken) else { return nil }
        self.token = token
    }

    private init(known token: String) { self.token = token }

    /// True when doing it twice has the effect of doing it once (RFC 9110 §9.2.2), so a client may repeat it.
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        default: false
        }
    }

    /// `GET`
    public static var get: Self { Self(known: "GET") }
    /// `HEAD`
    public static var head: Self { Self(known: "HEAD") }
    /// `POST`
    public static var post: Self { Self(known: "POST") }
    /// `PUT`
    public static var put: Self { Self(known: "PUT") }
    /// `PATCH`, RFC 5789.
    public static var patch: Self { Self(known: "PATCH") }
    /// `DELETE`
    public static var delete: Self { Self(known: "DELETE") }
    /// `OPTIONS`
    public static var options: Self { Self(known: "OPTIONS") }
    /// `TRACE`
    public static var trace: Self { Self(known: "TRACE") }
    /// `CONNECT`
    public static var connect: Self { Self(known: "CONNECT") }
}
