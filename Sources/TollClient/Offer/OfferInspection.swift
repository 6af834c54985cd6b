// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// What an answer asks for in every dialect it speaks, and what is wrong with it from a buyer's side.
public struct OfferInspection: Sendable {
    /// One option of one dialect.
    public struct Row: Sendable {
        /// `x402` or `x402-v1`.
        public let dialect: String
        /// The option, checked.
        public let review: OptionReview
    }

    /// The instructions for a transfer, checked, and what the signature says of who vouches for them.
    public struct Transfer: Sendable {
        /// The instructions.
        public let review: TransferReview
        /// Who vouches for them.
        public let trust: InstructionsTrust
    }

    /// Every option that can be read.
    public let rows: [Row]
    /// What a transfer of one's own would have to be; nil when none is asked for.
    public let transfer: Transfer?
    /// Schemes of `WWW-Authenticate`, other ways to get in.
    public let schemes: [String]
    /// What is wrong, most serious first; empty when all is well.
    public let findings: [String]

    /// A field of more bytes is refused by common proxies and servers, whose buffers are of 8 KiB.
    static let fieldSizeMax = 8 << 10

    /// Inspects the answer that an unpaid request to `url` got at `time`, in seconds since 1970.
    ///
    /// - Parameters:
    ///   - reader: Says who has signed instructions.
    ///   - signers: Whom the origin lists as signers of them; nil when it was not asked.
    public init(
        _ head: ResponseHead, body: [UInt8], from url: URLParts, _ directory: NetworkDirectory, at time: UInt64,
        reader: any InstructionsReader = NoInstructionsReader(),
        signers: ListedSigners? = nil
    ) {
        var findings: [String] = []
        if head.status != 402 { findings.append("the answer is \(head.status) \(head.reason), not 402") }
        let readings = TransferOffer.readings(head, body: body, from: url)
        let offers = Self.offers(head, body, hasTransfer: !readings.isEmpty, &findings)
        let transfer = TransferOffer.first(of: readings).map { offer in
            var trust = InstructionsTrust(offer.instructions, reader)
            if case .needsList(let signer) = trust, let signers { trust = .listed(signer, in: signers) }
            return Transfer(review: TransferReview(offer, from: url, at: time, directory), trust: trust)
        }
        self.transfer = transfer
        self.rows = offers.flatMap { offer in
            offer.options.map { Row(dialect: offer.dialect, review: OptionReview($0, directory)) }
        }
        self.schemes = head.fields.values(of: .wwwAuthenticate).compactMap { value in
            value.split(separator: 0x20).first.map { String(decoding: $0, as: UTF8.self) }
        }
        for offer in offers {
            if offer.options.isEmpty, offer.unreadable.isEmpty, transfer == nil { findings.append("\(offer.dialect): it offers no way to pay") }
            findings += offer.unreadable.map { "\(offer.dialect): an option cannot be read: \($0)" }
        }
        findings += self.rows.flatMap(Self.problems)
        findings += Self.contradictions(self.rows)
        findings += transfer?.problems ?? []
        findings += TransferOffer.problems(readings)
        if head.status == 402 { findings += Self.fieldProblems(head) + Self.placeProblems(offers, url) }
        self.findings = findings
    }

    private static func offers(
        _ head: ResponseHead, _ body: [UInt8], hasTransfer: Bool, _ findings: inout [String]
    ) -> [ReceivedOffer] {
        var offers: [ReceivedOffer] = []
        do throws(PurchaseFailure) {
            if let offer = try ReceivedOffer.version2(head) { offers.append(offer) }
        } catch {
            findings.append(error.message)
        }
        if let offer = try? ReceivedOffer.version1(body) { offers.append(offer) }
        if offers.isEmpty, head.status == 402, !hasTransfer {
            findings.append("it offers nothing: neither PAYMENT-REQUIRED nor a body of x402 version 1 can be read")
        }
        return offers
    }

    private static func problems(_ row: Row) -> [String] {
        let offered = row.review.offered
        var problems = row.review.problems
        if row.review.option != nil {
            for member in ["name", "version"] where offered.extra?[member]?.string == nil {
                problems.append("extra.\(member) is missing: clients that do not know the token cannot sign")
            }
        }
        if offered.amount == .zero { problems.append("the amount is zero") }
        return problems.map { "\(row.dialect), \(offered.network): \($0)" }
    }

    /// Dialects that ask for different amounts or payees for the same token.
    private static func contradictions(_ rows: [Row]) -> [String] {
        let second = rows.filter { $0.dialect == "x402" }
        return rows.filter { $0.dialect == "x402-v1" }.flatMap { first -> [String] in
            guard let option = first.review.option else { return [] }
            let twins = second.compactMap(\.review.option).filter { $0.asset == option.asset }
            guard !twins.isEmpty else { return ["\(option.asset.symbol) on \(option.network) is offered in version 1 alone"] }
            if !twins.contains(where: { $0.amount == option.amount }) {
                return ["\(option.network): version 1 asks for \(option.display), version 2 for \(twins[0].display)"]
            }
            if !twins.contains(where: { NetworkDirectory.isSame($0.payTo, option.payTo, on: option.network) }) {
                return ["\(option.network): version 1 pays \(option.payTo), version 2 \(twins[0].payTo)"]
            }
            return []
        }
    }

    private static func fieldProblems(_ head: ResponseHead) -> [String] {
        var problems: [String] = []
        if !head.fields.listContains("cache-control", "no-store") {
            problems.append("the 402 may be cached: Cache-Control lacks no-store")
        }
        let exposed: FieldName = "access-control-expose-headers"
        if head.fields.contains("payment-required"), !head.fields.listContains(exposed, "payment-required"),
            !head.fields.listContains(exposed, "*")
        {
            problems.append("scripts of other origins cannot pay: Access-Control-Expose-Headers lacks PAYMENT-REQUIRED")
        }
        for (name, value) in head.fields where name.count + value.count > Self.fieldSizeMax {
            let text = String(decoding: name, as: UTF8.self)
            problems.append("\(text) has \(value.count) bytes: proxies with buffers of 8 KiB refuse it")
        }
        return problems
    }

    private static func placeProblems(_ offers: [ReceivedOffer], _ url: URLParts) -> [String] {
        var problems: [String] = []
        if url.origin.scheme == .http, !url.origin.isLoopback {
            problems.append("\(url.origin) has no TLS: anyone on the way can change the offer")
        }
        for case .v2(let required) in offers {
            guard let resource = required.resource else {
                problems.append("resource is missing")
                continue
            }
            if let named = try? URLParts(parsing: resource.url), named.origin != url.origin {
                problems.append("resource.url names another origin, \(named.origin)")
            }
        }
        return problems
    }
}
