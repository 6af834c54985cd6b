// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives
import TollRuntime

/// An `http` or `https` URL without user name and fragment (RFC 3986 §3, RFC 9110 §4.2).
///
/// It prints as its origin alone: the paths and queries of RPC providers carry keys.
struct WebURL: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is none.
    struct Problem: Error, Equatable {
        var message: String
        var remedy: String
    }

    /// As it was written.
    let text: String
    let isSecure: Bool
    /// Lower case; an IPv6 address in its brackets.
    let host: String
    /// The port that was written.
    let explicitPort: Int?
    /// From the first `/`, `?` included; empty when the URL ends with its authority.
    let target: String

    var port: Int { self.explicitPort ?? (self.isSecure ? 443 : 80) }

    /// Scheme, host and a port that is not the scheme's own.
    var origin: String {
        let port = self.port == (self.isSecure ? 443 : 80) ? "" : ":\(self.port)"
        return "\(self.isSecure ? "https" : "http")://\(self.host)\(port)"
    }

    /// Nothing but an origin, a `/` at its end allowed.
    var isOrigin: Bool { ["", "/"].contains(self.target) }

    var isLoopback: Bool { HostName.isLoopback(self.host) }

    var description: String { self.origin }

    init(_ text: String) throws(Problem) {
        let example = "write for example `https://api.example.com`"
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Problem(message: "the URL contains a space or a character outside ASCII", remedy: "percent-encode it")
        }
        let lowered = text.lowercased()
        guard lowered.hasPrefix("http://") || lowered.hasPrefix("https://") else {
            throw Problem(message: "is no http or https URL", remedy: example)
        }
        self.text = text
        self.isSecure = lowered.hasPrefix("https")
        let rest = text.dropFirst(self.isSecure ? 8 : 7)
        let authority = rest.prefix { !"/?#".contains($0) }
        self.target = String(rest[authority.endIndex...])
        guard !self.target.contains("#") else {
            throw Problem(message: "the URL has a fragment, which no server sees", remedy: "leave out `#` and what follows")
        }
        guard !authority.contains("@") else {
            let remedy = "leave it out; credentials are references, such as `headers: {Authorization: env:NAME}`"
            throw Problem(message: "the URL carries a user name or password", remedy: remedy)
        }
        guard let (host, port) = HostName.splitPort(authority), HostName.isValid(host) else {
            throw Problem(message: "the URL's host or port is malformed", remedy: example)
        }
        (self.host, self.explicitPort) = (host.lowercased(), port)
        guard port != 0 else { throw Problem(message: "the URL's port is 0", remedy: example) }
    }
}

/// The host part of URLs and listeners.
enum HostName {
    /// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port`; nil when the port is no number of 0 to 65535.
    static func splitPort(_ text: some StringProtocol) -> (host: String, port: Int?)? {
        let end: String.Index
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            end = text.index(after: bracket)
        } else {
            end = text.firstIndex(of: ":") ?? text.endIndex
        }
        let (host, rest) = (String(text[..<end]), text[end...])
        if rest.isEmpty { return (host, nil) }
        let digits = rest.dropFirst()
        guard rest.hasPrefix(":"), (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(digits), port <= 65_535
        else { return nil }
        return (host, port)
    }

    /// A DNS name, an IPv4 address, or an IPv6 address in brackets.
    static func isValid(_ host: String) -> Bool {
        if host.hasPrefix("[") { return host.hasSuffix("]") && self.isIPv6(host.dropFirst().dropLast()) }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        if let last = labels.last, last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return self.isIPv4(host) }
        return host.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { byte in
                        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
                    }
            }
    }

    /// Four decimal numbers of 0 to 255 without leading zeros.
    static func isIPv4(_ host: some StringProtocol) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
    }

    /// RFC 4291 §2.2: groups of up to four digits, `::` once, the last two groups possibly as IPv4.
    static func isIPv6(_ text: some StringProtocol) -> Bool {
        let halves = String(text).split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return false }
        var count = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let groups = half.split(separator: ":", omittingEmptySubsequences: false)
            for (place, group) in groups.enumerated() {
                if place == groups.count - 1, index == halves.count - 1, group.contains(".") {
                    guard self.isIPv4(group) else { return false }
                    count += 2
                } else {
                    guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy({ Hex.value(of: $0) != nil }) else {
                        return false
                    }
                    count += 1
                }
            }
        }
        return halves.count == 2 ? count <= 7 : count == 8
    }

    /// Reaches only this machine.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "[::1]" || (host.hasPrefix("127.") && self.isIPv4(host))
    }
}

/// Where a listener listens.
struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 address, or an IPv6 address without brackets.
    let host: String
    /// 0 for any free port.
    let port: Int

    var isLoopback: Bool { HostName.isLoopback(self.hostText) }

    /// Takes connections to any address of this machine.
    var isWildcard: Bool { ["0.0.0.0", "::"].contains(self.host) }

    /// `127.0.0.1:4020`, `[::1]:4020`.
    var description: String { "\(self.hostText):\(self.port)" }

    /// Two sockets cannot have both.
    func collides(with other: ListenAddress) -> Bool {
        let isOneHost = self.host == other.host || self.isWildcard || other.isWildcard
        return self.port == other.port && self.port != 0 && isOneHost
    }

    /// `address:port`; `localhost` stands for 127.0.0.1. Nil for anything else, names among it: what they resolve to changes.
    init?(_ text: String) {
        guard let (host, port) = HostName.splitPort(text), let port else { return nil }
        if host == "localhost" {
            self.host = "127.0.0.1"
        } else if host.hasPrefix("["), HostName.isValid(host) {
            self.host = String(host.dropFirst().dropLast()).lowercased()
        } else if HostName.isIPv4(host) {
            self.host = host
        } else {
            return nil
        }
        self.port = port
    }

    private var hostText: String { self.host.contains(":") ? "[\(self.host)]" : self.host }
}

extension ConfigurationValue {
    /// A URL, or nil after a finding, which does not repeat the URL: it may carry a key.
    func url(_ findings: inout Findings) -> WebURL? {
        guard let text = self.text(example: "https://api.example.com", &findings) else { return nil }
        do throws(WebURL.Problem) {
            return try WebURL(text)
        } catch {
            self.refuse(error.message, remedy: error.remedy, &findings)
            return nil
        }
    }

    /// An origin: a URL without a path.
    func origin(_ findings: inout Findings) -> WebURL? {
        guard let url = self.url(&findings) else { return nil }
        guard url.isOrigin else {
            self.refuse("the URL has a path, where only scheme, host and port belong", remedy: "write `\(url.origin)`", &findings)
            return nil
        }
        return url
    }

    /// An address to listen on.
    func listenAddress(_ findings: inout Findings) -> ListenAddress? {
        guard let text = self.text(example: "127.0.0.1:4020", &findings) else { return nil }
        guard let address = ListenAddress(text) else {
            let remedy = "write an IP address and a port, for example `127.0.0.1:4020`, `0.0.0.0:4020` or `[::1]:4020`"
            self.refuse("`\(Finding.excerpt(text))` is no address to listen on", remedy: remedy, &findings)
            return nil
        }
        return address
    }
}
