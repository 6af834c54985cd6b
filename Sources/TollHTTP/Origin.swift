// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Scheme, host and port: whom a client connects to (RFC 6454 §4).
public struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// The scheme.
    public enum Scheme: String, Hashable, Sendable {
        /// Plain HTTP.
        case http
        /// HTTP over TLS.
        case https

        /// The port used when none is given.
        public var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    /// The scheme.
    public let scheme: Scheme
    /// The host in lower case: a name, an IPv4 address, or an IPv6 address without its brackets.
    public let host: String
    /// The port.
    public let port: UInt16
    /// The value of `Host`: the port is left out when it is the scheme's own. Made once: every request to the origin bears it.
    public let authority: String

    /// An origin whose host is already known to be well formed.
    public init(scheme: Scheme, host: String, port: UInt16? = nil) {
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port ?? scheme.defaultPort
        let bracketed = self.host.contains(":") ? "[\(self.host)]" : self.host
        self.authority = self.port == scheme.defaultPort ? bracketed : "\(bracketed):\(self.port)"
    }

    /// Reads `https://host[:port]`, with at most a single `/` after it.
    public init(parsing text: String) throws(URLError) {
        let parts = try URLParts(parsing: text)
        guard parts.target == [0x2F] else { throw URLError("an origin has no path or query: \(text)") }
        self = parts.origin
    }

    /// `https://host[:port]`.
    public var description: String { "\(self.scheme.rawValue)://\(self.authority)" }

    /// By scheme, host and port.
    public static func == (left: Self, right: Self) -> Bool {
        left.port == right.port && left.scheme == right.scheme && left.host == right.host
    }

    /// Feeds scheme, host and port.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.scheme)
        hasher.combine(self.host)
        hasher.combine(self.port)
    }
}

/// What is wrong with a URL.
public struct URLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The fault, for a person.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// An http or https URL taken apart, strictly: no user information, no fragment, no byte that would have to be escaped.
public struct URLParts: Hashable, Sendable, CustomStringConvertible {
    /// Scheme, host and port.
    public let origin: Origin
    /// Path and query, exactly as written; `/` when the URL has no path.
    public let target: [UInt8]

    /// Reads a URL (RFC 3986 §4.3, RFC 9110 §4.2).
    public init(parsing text: String) throws(URLError) {
        let bytes = Array(text.utf8)
        let scheme: Origin.Scheme
        let start: Int
        if Self.starts(bytes, "http://") {
            (scheme, start) = (.http, 7)
        } else if Self.starts(bytes, "https://") {
            (scheme, start) = (.https, 8)
        } else {
            throw URLError("a URL starts with http:// or https://: \(text)")
        }
        let end = bytes[start...].firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 } ?? bytes.count
        self.origin = try Self.origin(scheme, bytes[start..<end], text)
        let rest = bytes[end...]
        if let bad = rest.first(where: { !ByteGrammar.isTarget($0) }) {
            throw URLError(bad == 0x23 ? "a URL to call has no fragment: \(text)" : "a byte must be percent-escaped: \(text)")
        }
        self.target = rest.first == 0x2F ? Array(rest) : [0x2F] + rest
    }

    /// The URL as text.
    public var description: String { self.origin.description + String(decoding: self.target, as: UTF8.self) }

    private static func starts(_ bytes: [UInt8], _ prefix: String) -> Bool {
        bytes.count >= prefix.utf8.count && zip(bytes, prefix.utf8).allSatisfy { ByteGrammar.lowercased($0) == $1 }
    }

    private static func origin(_ scheme: Origin.Scheme, _ bytes: ArraySlice<UInt8>, _ text: String) throws(URLError) -> Origin {
        guard !bytes.contains(0x40) else { throw URLError("a URL carries no user name or password") }
        guard let authority = Authority(bytes) else { throw URLError("not a host and port: \(text)") }
        return Origin(scheme: scheme, host: authority.host, port: authority.port)
    }
}
