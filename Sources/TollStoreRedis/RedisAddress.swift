// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Where a Redis server is, and who we are there.
public struct RedisAddress: Sendable {
    /// How it is reached.
    enum Place: Hashable, Sendable {
        case host(String, port: UInt16)
        case socket(path: String)
    }

    /// What is wrong with a URL.
    public struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
        /// What, and what to write instead. Never the URL, which may hold a password.
        public let description: String
    }

    let place: Place
    /// Nil for the server's default user.
    private(set) var user: String?
    private(set) var password: Secret<String>?
    /// The number of the server's database.
    let database: Int

    /// Whether it says a password.
    public var hasPassword: Bool { self.password != nil }

    /// `host:6379`, for people.
    public var display: String {
        switch self.place {
        case .host(let host, let port): "\(host):\(port)"
        case .socket(let path): path
        }
    }

    /// Reads `redis://[[user]:password@]host[:port][/database]` or `unix://[[user]:password@]/path`. User and password may be
    /// percent-encoded.
    public init(parsing url: String) throws(ParseError) {
        guard !url.hasPrefix("rediss://") else {
            throw ParseError(description: "Redis over TLS is not supported; use a private network or a tunnel, and redis://")
        }
        let isSocket = url.hasPrefix("unix://")
        guard isSocket || url.hasPrefix("redis://") else {
            throw ParseError(description: "write redis://host:6379 or unix:///path/to/socket")
        }
        var rest = url.dropFirst(isSocket ? "unix://".count : "redis://".count)
        (self.user, self.password) = (nil, nil)
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = Self.decode(parts[0]), let word = Self.decode(parts[1]) else {
                throw ParseError(description: "before @ write user:password or :password, percent-encoded")
            }
            (self.user, self.password) = (name.isEmpty ? nil : name, Secret(word))
            rest = rest[rest.index(after: at)...]
        }
        guard !isSocket else {
            guard rest.hasPrefix("/") else {
                throw ParseError(description: "the path of a socket is absolute: unix:///run/redis.sock")
            }
            (self.place, self.database) = (.socket(path: String(rest)), 0)
            return
        }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let database = parts.count == 2 && !parts[1].isEmpty ? Int(parts[1]) : 0, database >= 0 else {
            throw ParseError(description: "after the host there is only the number of a database: redis://host:6379/0")
        }
        guard let place = Self.place(parts.first ?? "") else {
            throw ParseError(description: "write a host and a port: redis://host:6379")
        }
        (self.place, self.database) = (place, database)
    }

    /// `host`, `host:port`, `[address]` or `[address]:port`.
    private static func place(_ text: Substring) -> Place? {
        let bracket = text.hasPrefix("[") ? text.firstIndex(of: "]") : nil
        guard text.hasPrefix("[") == (bracket != nil) else { return nil }
        let hostEnd = bracket.map { text.index(after: $0) } ?? text.firstIndex(of: ":") ?? text.endIndex
        let host = bracket.map { text[text.index(after: text.startIndex)..<$0] } ?? text[..<hostEnd]
        let tail = text[hostEnd...]
        guard !host.isEmpty, tail.isEmpty || tail.hasPrefix(":"),
            let port = tail.isEmpty ? 6_379 : UInt16(tail.dropFirst()), port > 0
        else { return nil }
        return .host(String(host), port: port)
    }

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)), decoded.count == 1 else {
                return nil
            }
            bytes += decoded
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
