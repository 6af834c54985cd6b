// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives

/// What crosses the gateway in each direction, and what does not.
final class Forwarding: Sendable {
    /// Fields that carry a credential or a sign-in of any dialect this program speaks, whether the route takes it or not: in the
    /// hands of an upstream it could be spent by it.
    private let credentialFields: FieldNameSet
    /// Fields that the client writes anew, besides hop-by-hop ones.
    private static let rewrittenFields = FieldNameSet([.host, .expect])
    /// Fields that an upstream may not say to a client: those that only we may, and what is for other ears.
    private let hiddenFields: FieldNameSet
    /// The fields that a paid answer depends on, as `Vary` lists them.
    private let varying: String
    private let way: ForwardedFields

    /// Between a resource server and a facilitator, or a handler and its middleware; never for buyers (x402, §1.1).
    private static let innerFields: [FieldName] = ["settlement-overrides", "extension-responses"]
    private static let sharedCacheFields: [FieldName] = [
        "cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control",
    ]
    private static let conditionalFields: [FieldName] = [
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
    ]
    private static let prefix = Array("tollgate-".utf8)

    init(dialects: [any Dialect], way: ForwardedFields) {
        self.way = way
        let credentialFields = dialects.flatMap { $0.credentialFields + $0.signInFields }
        self.credentialFields = FieldNameSet(credentialFields)
        self.hiddenFields = FieldNameSet(dialects.flatMap(\.responseFields) + Self.innerFields)
        self.varying = credentialFields.map(\.description).joined(separator: ", ")
    }

    /// The request as the upstream gets it: hop-by-hop fields, credentials and everything that looks like ours removed, then
    /// ours added. The target's bytes are untouched.
    ///
    /// - Parameters:
    ///   - payment: What was paid; nil on a free route.
    ///   - pass: What came in place of a payment.
    func request(
        _ request: Request, to upstream: Upstream, body: ClientBody, payment: PaymentRecord?, pass: Pass? = nil
    ) -> ClientRequest {
        var fields = Fields()
        self.write(&fields, of: request.head, from: request.peer)
        if let payment {
            if payment.claim.policy == .before { Self.removeConditions(&fields, request.head.method) }
            Self.describe(payment, in: &fields)
        } else if let pass {
            Self.describe(pass, in: &fields)
        }
        var outgoing = upstream.request(
            request.head.method, to: upstream.addresses[0].origin, target: request.head.target, fields: fields, body: body)
        if Self.asksForWebSocket(request.head) { outgoing.upgrade = Self.webSocket }
        return outgoing
    }

    /// Writes into empty fields those of a request as the upstream gets them, whatever it pays.
    func write(_ fields: inout Fields, of head: RequestHead, from peer: PeerAddress) {
        // Room for what is added below and by others, in most cases.
        fields.append(endToEnd: head.fields, roomFor: 12, byteCount: 512) { name in
            Self.rewrittenFields.contains(name) || !self.isForUpstream(name)
        }
        PassField.strip(&fields)
        if let left = head.maxForwards { fields.set("max-forwards", "\(max(1, left) - 1)") }
        self.way.add(to: &fields, of: head, from: peer)
    }

    /// The one protocol that connections are switched to (RFC 6455 §4.1). Others are asked for hop by hop, and not by us.
    static let webSocket = "websocket"

    private static func asksForWebSocket(_ head: RequestHead) -> Bool {
        head.method == .get && head.framing == .none && head.minorVersion == 1
            && head.fields.listContains(.upgrade, self.webSocket)
            && head.fields.listContains(.connection, "upgrade")
    }

    /// What is paid for already must not come as a 304. Of other methods than GET and HEAD a condition guards what others have
    /// written meanwhile, and no 304 comes of it. A range asked for under a condition is asked for without: all is right, too.
    private static func removeConditions(_ fields: inout Fields, _ method: Method) {
        guard method == .get || method == .head else { return }
        if fields.contains("if-range") { fields.remove("range") }
        fields.removeAll(named: self.conditionalFields)
    }

    private static func describe(_ payment: PaymentRecord, in fields: inout Fields) {
        let claim = payment.claim
        let id = claim.id.description
        fields.append("Tollgate-Payer", claim.payer)
        fields.append("Tollgate-Payment-Id", id)
        fields.append("Tollgate-Amount", claim.option.amount.description)
        fields.append("Tollgate-Asset", claim.option.asset.address)
        fields.append("Tollgate-Network", claim.option.network.description)
        fields.set(.idempotencyKey, id)
    }

    /// Nothing was paid for this request, and nothing makes it the same as another: no amount, and no key.
    private static func describe(_ pass: Pass, in fields: inout Fields) {
        fields.append("Tollgate-Payer", pass.payer)
        fields.append("Tollgate-Payment-Id", pass.payment.description)
        fields.append("Tollgate-Network", pass.network)
    }

    /// Whether a field or trailer of a client may go upstream by its name: it is no credential and does not look like ours.
    func isForUpstream(_ name: Span<UInt8>) -> Bool {
        !Self.isOurs(name) && !ForwardedFields.isOne(name) && !self.credentialFields.contains(name)
    }

    /// Whether a name is one that only we may send: `tollgate-` with `_` read as `-`, as servers that map names to variables do.
    static func isOurs(_ name: Span<UInt8>) -> Bool { name.startsAsVariable(self.prefix) }

    /// The upstream's answer as the client gets it, before what we add for a payment.
    func response(_ head: ResponseHead, from upstream: Upstream) -> ResponseHead {
        var head = head
        self.keepVisible(&head.fields, from: upstream)
        return head
    }

    /// The trailers of the upstream's answer as the client gets them: what it may not say in a field it may not say there.
    func responseTrailers(_ trailers: Fields, from upstream: Upstream) -> Fields {
        var trailers = trailers
        self.keepVisible(&trailers, from: upstream)
        return trailers
    }

    /// Leaves of an upstream's fields those that a client gets.
    func keepVisible(_ fields: inout Fields, from upstream: Upstream) {
        fields.removeHopByHop { name in
            self.hiddenFields.contains(name) || (!upstream.isAdmission && Self.isOurs(name))
        }
        if !upstream.strip.isEmpty { fields.removeAll(named: upstream.strip) }
    }

    /// Keeps a paid answer out of shared caches, and tells caches what the answer depended on.
    func makePrivate(_ fields: inout Fields) {
        fields.removeAll(named: Self.sharedCacheFields)
        defer { fields.append("Vary", self.varying) }
        guard fields.contains(.cacheControl) else {
            fields.append("Cache-Control", "private")
            return
        }
        let directives = fields.values(of: .cacheControl).flatMap { Self.listMembers(String(decoding: $0, as: UTF8.self)) }
        let kept = directives.filter { directive in
            let name = directive.prefix { $0 != "=" && $0 != " " }.lowercased()
            return name != "public" && name != "s-maxage" && name != "private"
        }
        fields.remove(.cacheControl)
        fields.append("Cache-Control", (kept + ["private"]).joined(separator: ", "))
    }

    /// The members of a comma-separated list; a comma in a quoted string parts nothing (RFC 9110 §5.6.1, §5.6.4).
    private static func listMembers(_ list: String) -> [String] {
        var members = [""]
        var (isQuoted, isEscaped) = (false, false)
        for character in list.unicodeScalars {
            if character == ",", !isQuoted {
                members.append("")
                continue
            }
            if character == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = isQuoted && character == "\\" && !isEscaped
            members[members.count - 1].unicodeScalars.append(character)
        }
        guard !isQuoted else { return [] }
        let blanks: Set<Character> = [" ", "\t"]
        return members.map { member in
            var member = member[...].drop { blanks.contains($0) }
            while let last = member.last, blanks.contains(last) { member.removeLast() }
            return String(member)
        }.filter { !$0.isEmpty }
    }
}

extension Span<UInt8> {
    /// Whether a field's name starts with `prefix`, which is in lower case, for a server that maps names to variables: with `_`
    /// read as `-`.
    func startsAsVariable(_ prefix: [UInt8]) -> Bool {
        guard self.count >= prefix.count else { return false }
        for place in prefix.indices {
            let byte = self[place] == UInt8(ascii: "_") ? UInt8(ascii: "-") : ByteGrammar.lowercased(self[place])
            guard byte == prefix[place] else { return false }
        }
        return true
    }
}
