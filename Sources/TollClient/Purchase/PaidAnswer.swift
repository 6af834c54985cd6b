// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPrimitives
internal import TollProtocol

/// What the answer to a paid request says about the payment.
struct PaidAnswer: Hashable, Sendable {
    /// What became of the payment.
    enum Outcome: Hashable, Sendable {
        /// Taken, or to be taken for taken: counted for good. The transaction is empty when none is named.
        case paid(transaction: String)
        /// Not taken, as the server says.
        case refused(reason: String)
        /// Not known, or not yet.
        case open
    }

    /// What became of the payment.
    let outcome: Outcome
    /// What the caller is told; nil when all went well.
    let failure: PurchaseFailure?
    /// What is odd about the answer, for people.
    let notices: [String]
    /// The server's name for what it owes, when it says that it does: the payment was taken and bought nothing.
    let debt: String?

    /// Whether the server says that it did not take the payment.
    var isRefused: Bool { if case .refused = self.outcome { true } else { false } }

    /// Said of a receipt without a transaction.
    static let noTransaction = "the receipt names no transaction: settlement may be deferred"

    /// The most of an error's body that is read for its reason.
    static let bodySizeMax = 1 << 20

    /// Judges an answer.
    ///
    /// - Parameters:
    ///   - body: The body of an answer of 400 and above.
    ///   - networks: The names that the receipt may call the paid network by.
    init(_ head: ResponseHead, body: [UInt8], networks: [String]) {
        let (receipt, notices) = Self.receipt(head, networks)
        if let receipt, receipt.success {
            let isDeferred = receipt.transaction.isEmpty ? [Self.noTransaction] : []
            self.init(
                .paid(transaction: receipt.transaction),
                head.status < 400
                    ? nil : PurchaseFailure(.serverError, "the server took the payment and answered \(Self.text(head, body))"),
                notices + isDeferred,
                debt: Self.debt(head)
            )
            return
        }
        let reason = receipt?.errorReason
        switch head.status {
        case _ where reason == .settlementPending:
            self.init(.open, Self.unknown("the payment is not settled yet"), notices)
        case ..<400:
            let odd = receipt == nil ? "the answer has no valid receipt" : "the receipt says that the payment failed"
            self.init(.paid(transaction: ""), nil, notices + [odd + ", yet the server delivered: the payment counts as spent"])
        case 408, 425, 429, 500...:
            self.init(.open, Self.unknown("the server answered \(Self.text(head, body))"), notices)
        case _ where reason != nil || [402, 409, 412].contains(head.status) || head.fields.contains("payment-required"):
            let reason = reason?.rawValue ?? Self.reason(head, body)
            self.init(
                .refused(reason: reason),
                PurchaseFailure(.paymentRefused, "the server refused the payment: \(reason)"),
                notices
            )
        default:
            let text = Self.text(head, body)
            let failure = PurchaseFailure(.serverError, "the server answered \(text) to the paid request, without a receipt")
            self.init(.refused(reason: text), failure, notices)
        }
    }

    private init(_ outcome: Outcome, _ failure: PurchaseFailure?, _ notices: [String], debt: String? = nil) {
        self.outcome = outcome
        self.failure = failure
        self.notices = notices
        self.debt = debt
    }

    /// A name of letters, digits, `-` and `_`, as it will stand in lines of ours.
    private static func debt(_ head: ResponseHead) -> String? {
        guard let name = head.fields.firstText("tollgate-debt"), (1...128).contains(name.utf8.count) else { return nil }
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        return isName ? name : nil
    }

    /// A failure after which the same request takes the payment up.
    static func unknown(_ what: String) -> PurchaseFailure {
        PurchaseFailure(
            .outcomeUnknown,
            "\(what); whether the payment was taken is not known: do not pay again, the same request takes it up"
        )
    }

    /// The receipt, when there is one that can be read and speaks of this payment's network.
    private static func receipt(_ head: ResponseHead, _ networks: [String]) -> (SettlementResponse?, notices: [String]) {
        guard let value = head.fields.firstText("payment-response") ?? head.fields.firstText("x-payment-response") else {
            return (nil, [])
        }
        do throws(WireError) {
            let receipt = try SettlementResponse(headerValue: value)
            guard !receipt.success || networks.contains(receipt.network) else {
                return (nil, ["the receipt is for network \(receipt.network), not \(networks.first ?? "the one paid on")"])
            }
            return (receipt, [])
        } catch {
            return (nil, ["the receipt cannot be read: \(error)"])
        }
    }

    /// Why, from whichever place the server says it in.
    private static func reason(_ head: ResponseHead, _ body: [UInt8]) -> String {
        if let offer = try? ReceivedOffer(head, body: body), let error = offer.error { return Self.shortened(error) }
        return Self.text(head, body)
    }

    /// `404 Not Found: what the problem says`.
    private static func text(_ head: ResponseHead, _ body: [UInt8]) -> String {
        let status = head.reason.isEmpty ? "\(head.status)" : "\(head.status) \(head.reason)"
        guard let json = try? JSON(parsing: body) else { return status }
        let words = json["detail"]?.string ?? json["error"]?.string ?? json["title"]?.string
        return words.map { "\(status): \(Self.shortened($0))" } ?? status
    }

    /// Text of the server's, for a line of ours.
    private static func shortened(_ text: String) -> String { String(text.prefix(300)) }
}
