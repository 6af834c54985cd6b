// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A field name to look up, in lower case. Names are compared without regard to ASCII case (RFC 9110 §5.1).
public struct FieldName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name's bytes in lower case.
    public let bytes: [UInt8]

    /// The name as text, in lower case.
    public var description: String { String(decoding: self.bytes, as: UTF8.self) }

    /// Nil when `text` is empty or no token (RFC 9110 §5.6.2).
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy(ByteGrammar.isToken) else { return nil }
        self.bytes = text.utf8.map(ByteGrammar.lowercased)
    }

    /// A name written in source. A literal that is no token is a programmer's error and traps.
    public init(stringLiteral literal: String) {
        precondition(!literal.isEmpty && literal.utf8.allSatisfy(ByteGrammar.isToken), "A field name is a token: \(literal)")
        self.bytes = literal.utf8.map(ByteGrammar.lowercased)
    }
}

extension FieldName {
    /// `Accept`, RFC 9110 §12.5.1.
    public static let accept: Self = "accept"
    /// `Allow`, RFC 9110 §10.2.1.
    public static let allow: Self = "allow"
    /// `Authorization`, RFC 9110 §11.6.2.
    public static let authorization: Self = "authorization"
    /// `Cache-Control`, RFC 9111 §5.2.
    public static let cacheControl: Self = "cache-control"
    /// `Connection`, RFC 9110 §7.6.1.
    public static let connection: Self = "connection"
    /// `Content-Length`, RFC 9110 §8.6.
    public static let contentLength: Self = "content-length"
    /// `Content-Type`, RFC 9110 §8.3.
    public static let contentType: Self = "content-type"
    /// `Cookie`, RFC 6265 §5.4.
    public static let cookie: Self = "cookie"
    /// `Date`, RFC 9110 §6.6.1.
    public static let date: Self = "date"
    /// `ETag`, RFC 9110 §8.8.3.
    public static let etag: Self = "etag"
    /// `Expect`, RFC 9110 §10.1.1.
    public static let expect: Self = "expect"
    /// `Host`, RFC 9110 §7.2.
    public static let host: Self = "host"
    /// `Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header.
    public static let idempotencyKey: Self = "idempotency-key"
    /// `Keep-Alive`, RFC 2068 §19.7.1.
    public static let keepAlive: Self = "keep-alive"
    /// `Location`, RFC 9110 §10.2.2.
    public static let location: Self = "location"
    /// `Origin`, RFC 6454 §7.
    public static let origin: Self = "origin"
    /// `Proxy-Connection`, never standardised, stripped by every proxy.
    public static let proxyConnection: Self = "proxy-connection"
    /// `Retry-After`, RFC 9110 §10.2.3.
    public static let retryAfter: Self = "retry-after"
    /// `Server`, RFC 9110 §10.2.4.
    public static let server: Self = "server"
    /// `TE`, RFC 9110 §10.1.4.
    public static let te: Self = "te"
    /// `Trailer`, RFC 9110 §6.6.2.
    public static let trailer: Self = "trailer"
    /// `Transfer-Encoding`, RFC 9112 §6.1.
    public static let transferEncoding: Self = "transfer-encoding"
    /// `Upgrade`, RFC 9110 §7.8.
    public static let upgrade: Self = "upgrade"
    /// `User-Agent`, RFC 9110 §10.1.5.
    public static let userAgent: Self = "user-agent"
    /// `Vary`, RFC 9110 §12.5.5.
    public static let vary: Self = "vary"
    /// `WWW-Authenticate`, RFC 9110 §11.6.1.
    public static let wwwAuthenticate: Self = "www-authenticate"
}
