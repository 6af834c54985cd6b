// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The proxies in front whose word about the client is believed: the one place that says whose a request is.
///
/// Whoever is not among them can write any `X-Forwarded-For` it likes; it is then the client itself.
public struct TrustedProxies: Hashable, Sendable {
    /// Where these proxies say whose request they bring. A proxy sets one kind and may pass the other on from the client
    /// unread, so that only one can be believed.
    public enum Words: Hashable, Sendable {
        /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
        case xForwarded
        /// `Forwarded`, RFC 7239.
        case forwarded
    }

    /// Entries read from the right, so many proxies one behind the other at most: nobody has more.
    static let hopsMax = 16

    /// Where the proxies are.
    public let ranges: [AddressRange]
    /// Whether whoever comes through a Unix socket is one of them.
    public let takesUnixSockets: Bool
    /// Which fields they write.
    public let words: Words

    /// Proxies at these addresses.
    public init(_ ranges: [AddressRange], takesUnixSockets: Bool = false, words: Words = .xForwarded) {
        self.ranges = ranges
        self.takesUnixSockets = takesUnixSockets
        self.words = words
    }

    /// Nobody is believed.
    public static let none = Self([])

    /// Whether there is nobody.
    public var isNobody: Bool { self.ranges.isEmpty && !self.takesUnixSockets }

    /// Whether whoever has connected from `peer` is one of them. A peer without an IP address came through a Unix socket.
    public func trusts(_ peer: PeerAddress) -> Bool { !self.isNobody && self.trusts(ip: peer.ip) }

    private func trusts(ip: String) -> Bool {
        guard let address = IPAddress(ip) else { return self.takesUnixSockets }
        return self.ranges.contains { $0.contains(address) }
    }

    /// The client's address, as far as the proxies in front are believed.
    public func clientIP(of head: RequestHead, from peer: PeerAddress) -> String {
        self.isNobody ? peer.ip : self.source(of: head, from: peer).ip
    }

    /// Whose request it is: the nearest address that is not one of these proxies, and what the nearest proxy says of the rest.
    public func source(of head: RequestHead, from peer: PeerAddress) -> RequestSource {
        guard self.trusts(peer) else { return RequestSource(ip: peer.ip) }
        switch self.words {
        case .xForwarded:
            return RequestSource(
                ip: self.nearest(Self.members(head.fields, "x-forwarded-for").map { Self.address($0) }, before: peer.ip),
                scheme: Self.members(head.fields, "x-forwarded-proto").last.flatMap(Self.scheme),
                host: Self.members(head.fields, "x-forwarded-host").last.flatMap(Self.host))
        case .forwarded:
            let elements = head.fields.values(of: "forwarded").flatMap { ForwardedElement.list($0) }
            return RequestSource(
                ip: self.nearest(elements.map { $0.node.flatMap { Self.address($0[...]) } }, before: peer.ip),
                scheme: elements.last?.scheme.flatMap { Self.scheme($0[...]) },
                host: elements.last?.host.flatMap { Self.host($0[...]) })
        }
    }

    /// From the right: as long as one is believed, so is what it says of the one before it. What cannot be read ends that.
    private func nearest(_ addresses: [IPAddress?], before peer: String) -> String {
        var ip = peer
        for address in addresses.suffix(Self.hopsMax).reversed() {
            guard self.trusts(ip: ip), let address else { break }
            ip = address.description
        }
        return ip
    }

    private static func members(_ fields: Fields, _ name: FieldName) -> [ArraySlice<UInt8>] {
        fields.values(of: name).flatMap { $0.split(separator: 0x2C) }.map(Self.trimmed)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }

    /// An address, perhaps with a port; IPv6 with a port, and in `Forwarded` always, stands in brackets.
    private static func address(_ bytes: ArraySlice<UInt8>) -> IPAddress? {
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), Self.isPort(bytes[(end + 1)...]) else { return nil }
            return IPAddress(bytes[(bytes.startIndex + 1)..<end])
        }
        guard let colon = bytes.firstIndex(of: 0x3A), !bytes[(colon + 1)...].contains(0x3A) else { return IPAddress(bytes) }
        return Self.isPort(bytes[colon...]) ? IPAddress(bytes[..<colon]) : nil
    }

    private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.isEmpty || (bytes.first == 0x3A && 2...6 ~= bytes.count && bytes.dropFirst().allSatisfy(ByteGrammar.isDigit))
    }

    private static func scheme(_ bytes: ArraySlice<UInt8>) -> Origin.Scheme? {
        Origin.Scheme(rawValue: String(decoding: bytes.map(ByteGrammar.lowercased), as: UTF8.self))
    }

    private static func host(_ bytes: ArraySlice<UInt8>) -> String? {
        Authority.isValid(bytes) ? String(decoding: bytes, as: UTF8.self) : nil
    }
}

/// Where a request comes from, as far as those in front may be believed.
public struct RequestSource: Hashable, Sendable {
    /// The client's address, for limits and logs; each address in one spelling.
    public let ip: String
    /// The scheme that the client used, when a trusted proxy says so.
    public let scheme: Origin.Scheme?
    /// The host that the client asked for, when a trusted proxy says so.
    public let host: String?

    /// Whom limits count a request for: an IPv4 address, the first 64 bits of IPv6, or whoever comes through a Unix socket.
    public var subscriber: String { IPAddress(self.ip)?.subscriber ?? self.ip }

    /// A source by its parts.
    public init(ip: String, scheme: Origin.Scheme? = nil, host: String? = nil) {
        self.ip = ip
        self.scheme = scheme
        self.host = host
    }
}

/// One element of `Forwarded`: what one proxy said (RFC 7239 §4).
private struct ForwardedElement {
    var node: [UInt8]?
    var scheme: [UInt8]?
    var host: [UInt8]?

    /// The elements of one field. One that cannot be read says nothing.
    static func list(_ value: ArraySlice<UInt8>) -> [ForwardedElement] {
        self.split(value, at: 0x2C).map { element in
            var read = ForwardedElement()
            for pair in self.split(element, at: 0x3B) {
                let parts = pair.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { return ForwardedElement() }
                let name = parts[0].filter { $0 != 0x20 && $0 != 0x09 }.map(ByteGrammar.lowercased)
                let value = self.unquoted(parts[1])
                if name.elementsEqual("for".utf8) { read.node = value }
                if name.elementsEqual("proto".utf8) { read.scheme = value }
                if name.elementsEqual("host".utf8) { read.host = value }
            }
            return read
        }
    }

    /// Parts at a separator that stands outside quoted strings.
    private static func split(_ value: ArraySlice<UInt8>, at separator: UInt8) -> [ArraySlice<UInt8>] {
        var (parts, start) = ([ArraySlice<UInt8>](), value.startIndex)
        var (isQuoted, isEscaped) = (false, false)
        for place in value.indices {
            if value[place] == separator, !isQuoted {
                parts.append(value[start..<place])
                start = place + 1
            }
            if value[place] == 0x22, !isEscaped { isQuoted.toggle() }
            isEscaped = isQuoted && value[place] == 0x5C && !isEscaped
        }
        return parts + [value[start...]]
    }

    private static func unquoted(_ value: ArraySlice<UInt8>) -> [UInt8] {
        var (text, isEscaped) = ([UInt8](), false)
        for byte in value where byte != 0x22 || isEscaped {
            if byte == 0x5C, !isEscaped {
                isEscaped = true
            } else {
                if isEscaped || (byte != 0x20 && byte != 0x09) { text.append(byte) }
                isEscaped = false
            }
        }
        return text
    }
}
