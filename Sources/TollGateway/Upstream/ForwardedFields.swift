// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// What an upstream is told of the way a request came: `Via`, `Forwarded` and `X-Forwarded-*`.
///
/// What comes from a trusted proxy is gone on with; from anybody else it is the client's invention, and ours takes its place.
struct ForwardedFields: Sendable {
    private let proxies: TrustedProxies
    /// What clients call, where nobody says otherwise.
    private let publicScheme: Origin.Scheme

    private static let (prefix, forwarded, realIP) = (
        Array("x-forwarded-".utf8), Array("forwarded".utf8), Array("x-real-ip".utf8)
    )

    init(proxies: TrustedProxies, publicURL: Origin) {
        self.proxies = proxies
        self.publicScheme = publicURL.scheme
    }

    /// Whether a field says something of the way by its name, with `_` read as `-`: only we say that.
    static func isOne(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case self.forwarded.count where name.startsAsVariable(self.forwarded): true
        case self.realIP.count where name.startsAsVariable(self.realIP): true
        default: name.startsAsVariable(self.prefix)
        }
    }

    /// Adds ours to fields from which all of them were removed. `Via` is gone on with whoever began it (RFC 9110 §7.6.3).
    func add(to fields: inout Fields, of head: RequestHead, from peer: PeerAddress) {
        fields.append(contentsOf: head.minorVersion == 0 ? Self.via10 : Self.via11)
        let source = self.proxies.source(of: head, from: peer)
        let scheme = (source.scheme ?? self.publicScheme).rawValue
        let host = source.host.map { ArraySlice($0.utf8) } ?? head.authority
        let trusted = self.proxies.trusts(peer) ? self.proxies.words : nil
        let addresses = trusted == .xForwarded ? Self.list(head.fields, "x-forwarded-for", then: peer.ip) : source.ip
        // Addresses are ours or were read as such, hosts and lists come from fields.
        fields.appendParsed(name: "X-Forwarded-For", value: addresses.utf8Span.span)
        fields.appendParsed(name: "X-Forwarded-Proto", value: scheme.utf8Span.span)
        if let host { fields.appendParsed(name: "X-Forwarded-Host", value: host.span) }
        if trusted == .forwarded {
            fields.append("Forwarded", Self.list(head.fields, "forwarded", then: "for=\(Self.node(peer.ip))"))
        } else {
            let room = source.ip.utf8.count + (host?.count ?? 0) + 40
            fields.appendParsed(name: "Forwarded", room: room) {
                Self.write(ip: source.ip, scheme: scheme, host: host, to: &$0)
            }
        }
    }

    private static let (via10, via11): (Fields, Fields) = (["Via": "1.0 tollgate"], ["Via": "1.1 tollgate"])

    private static func list(_ fields: Fields, _ name: FieldName, then last: String) -> String {
        (fields.values(of: name).map { String(decoding: $0, as: UTF8.self) }.filter { !$0.isEmpty } + [last]).joined(
            separator: ", ")
    }

    private static func write(ip: String, scheme: String, host: ArraySlice<UInt8>?, to element: inout OutputSpan<UInt8>) {
        element.append(literal: "for=")
        element.append(span: self.node(ip).utf8Span.span)
        if let host {
            // A port's colon is no token (RFC 7239 §4).
            let isQuoted = host.contains(UInt8(ascii: ":"))
            element.append(literal: isQuoted ? ";host=\"" : ";host=")
            element.append(span: host.span)
            if isQuoted { element.append(UInt8(ascii: "\"")) }
        }
        element.append(literal: ";proto=")
        element.append(span: scheme.utf8Span.span)
    }

    /// RFC 7239 §6. Whoever comes through a Unix socket has no address.
    private static func node(_ ip: String) -> String {
        if ip.utf8.contains(UInt8(ascii: ":")) { return "\"[\(ip)]\"" }
        return ip.utf8.first.map(ByteGrammar.isDigit) == true ? ip : "unknown"
    }
}

extension RequestHead {
    /// What `Max-Forwards` says, which counts for OPTIONS alone (RFC 9110 §7.6.2); TRACE is refused.
    var maxForwards: UInt32? {
        guard self.method == .options else { return nil }
        return self.fields.firstText("max-forwards").flatMap { UInt32($0) }
    }
}
