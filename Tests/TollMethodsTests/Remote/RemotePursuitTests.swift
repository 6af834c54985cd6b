// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments

@testable import TollMethods

/// Every verdict, on the first request and after one whose answer was lost.
@Suite struct RemotePursuitTests {
    typealias Verdict = FacilitatorExchange.SettleVerdict

    static let hash = "0x" + String(repeating: "ab", count: 32)
    static let submission = RemoteSubmission(facilitator: "https://first.example/")
    static let confirmed = RemotePursuit.Action.confirm(transaction: hash)
    static let word = Settlement(transaction: hash, block: 0, logIndex: 0)
    static let seen = Settlement(transaction: hash, block: 9, logIndex: 1)
    static let soon = RemotePursuit.Action.wait(.seconds(1))

    static func refusal(_ reason: String) -> PaymentRefusal { PaymentRefusal(reason, detail: "d") }

    static func failed(_ reason: String, _ transaction: String?) -> SettlementOutcome {
        .failed(self.refusal(reason), transaction: transaction)
    }

    static let named = RemotePursuit.Action.note(RemoteSubmission(facilitator: "https://first.example/", transaction: hash))

    /// Verdict, what follows it on the first request, and what follows it later.
    static let table: [(verdict: Verdict, first: RemotePursuit.Action, later: RemotePursuit.Action)] = [
        (.success(transaction: hash), confirmed, confirmed),
        (.pending(transaction: hash), named, named),
        (.pending(transaction: ""), soon, soon),
        (.failure(refusal("duplicate_settlement"), transaction: hash), .readChain, confirmed),
        (.notTaken(reason: "answered 429"), .elsewhere(reason: "answered 429"), .readChain),
        (.unknown(reason: "timed out"), .readChain, .readChain),
    ]

    @Test(arguments: table)
    func `after a lost answer only what proves itself is a verdict`(
        verdict: Verdict,
        first: RemotePursuit.Action,
        later: RemotePursuit.Action
    ) {
        var pursuit = RemotePursuit(Self.submission, isRepeat: false)
        #expect(pursuit.start() == .ask)
        #expect(pursuit.answered(verdict) == first)
        for var repeated in Self.repeated {
            #expect(repeated.answered(verdict) == later)
        }
    }

    /// Pursuits for which an earlier request may have settled.
    static var repeated: [RemotePursuit] {
        var lost = RemotePursuit(Self.submission, isRepeat: false)
        _ = lost.answered(.unknown(reason: "reset"))
        return [RemotePursuit(Self.submission, isRepeat: true), lost]
    }

    /// Reason, transaction, and whether it is believed of a repeated request.
    static let refusals: [(reason: String, transaction: String, isProof: Bool)] = [
        ("insufficient_funds", "", false), ("insufficient_funds", hash, false),
        ("invalid_exact_evm_nonce_already_used", "", false), ("duplicate_settlement", "", false),
        ("transaction_failed", "", false), ("transaction_failed", hash, true),
    ]

    @Test(arguments: refusals)
    func `a refusal is believed unless the chain says that the money moved`(reason: String, transaction: String, isProof: Bool) {
        let verdict = Verdict.failure(Self.refusal(reason), transaction: transaction)
        let failed = RemotePursuit.Action.finish(Self.failed(reason, transaction.isEmpty ? nil : transaction))
        let unmoved: [SettlementPursuit.AuthorizationState] = [
            .unused(isExpired: false), .unused(isExpired: true), .unknown(reason: "down"),
        ]
        for state in unmoved {
            var pursuit = RemotePursuit(Self.submission, isRepeat: false)
            #expect(pursuit.answered(verdict) == .readChain)
            #expect(pursuit.chainSays(state) == failed)
        }
        var lie = RemotePursuit(Self.submission, isRepeat: false)
        _ = lie.answered(verdict)
        #expect(lie.chainSays(.transferred(Self.seen)) == .finish(.settled(Self.seen)))
        for var repeated in Self.repeated {
            #expect(repeated.answered(verdict) == .readChain)
            #expect(repeated.chainSays(.unknown(reason: "down")) == (isProof ? failed : Self.soon))
        }
    }

    // MARK: - Success

    @Test func `success is a settlement where no chain is read, and where the chain shows it`() {
        for (receipt, settlement) in [(nil, Self.word), (ChainWitness.ReceiptResult.transferred(Self.seen), Self.seen)] {
            var pursuit = RemotePursuit(Self.submission, isRepeat: false)
            _ = pursuit.answered(.success(transaction: Self.hash))
            #expect(pursuit.chainShows(receipt) == .finish(.settled(settlement)))
        }
    }

    @Test(arguments: [ChainWitness.ReceiptResult.none, .unknown(reason: "down")])
    func `success that the chain does not show yet is looked for, soon at first`(receipt: ChainWitness.ReceiptResult) {
        var pursuit = RemotePursuit(Self.submission, isRepeat: false)
        _ = pursuit.answered(.success(transaction: Self.hash))
        for milliseconds in [100, 200, 400] {
            #expect(pursuit.chainShows(receipt) == .readChain)
            #expect(pursuit.chainSays(.unused(isExpired: false)) == .wait(.milliseconds(milliseconds)))
            #expect(pursuit.waited() == Self.confirmed)
        }
        #expect(pursuit.submission.transaction == Self.hash)
    }

    @Test(arguments: [ChainWitness.ReceiptResult.silent, .reverted(block: 9)])
    func `success that the chain contradicts is asked about again`(receipt: ChainWitness.ReceiptResult) {
        var pursuit = RemotePursuit(Self.submission, isRepeat: false)
        _ = pursuit.answered(.success(transaction: Self.hash))
        for seconds in [1, 2, 4] {
            #expect(pursuit.chainShows(receipt) == .readChain)
            #expect(pursuit.chainSays(.unused(isExpired: false)) == .wait(.seconds(seconds)))
            #expect(pursuit.waited() == .ask)
            #expect(pursuit.answered(.success(transaction: Self.hash)) == Self.confirmed)
        }
        #expect(pursuit.chainShows(receipt) == .readChain)
        #expect(pursuit.answered(.failure(Self.refusal("insufficient_funds"), transaction: "")) == .readChain)
        #expect(pursuit.chainSays(.unused(isExpired: true)) != .finish(Self.failed("insufficient_funds", nil)))
    }

    // MARK: - Waiting

    @Test func `a transaction is noted once`() {
        var pursuit = RemotePursuit(Self.submission, isRepeat: false)
        #expect(pursuit.answered(.pending(transaction: Self.hash)) == Self.named)
        #expect(pursuit.noted() == Self.soon)
        #expect(pursuit.answered(.pending(transaction: Self.hash)) == .wait(.seconds(2)))
        #expect(pursuit.submission.transaction == Self.hash)
    }

    @Test func `it waits twice as long each time, up to a minute`() {
        var pursuit = RemotePursuit(Self.submission, isRepeat: true)
        let waits = (0..<8).map { _ in pursuit.answered(.pending(transaction: "")) }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60].map { .wait(.seconds($0)) })
        #expect(pursuit.waited() == .ask)
    }

    @Test func `what the chain says is an end, unless it says nothing`() {
        let table: [(SettlementPursuit.AuthorizationState, RemotePursuit.Action)] = [
            (.transferred(Self.seen), .finish(.settled(Self.seen))),
            (
                .used,
                .finish(
                    .failed(
                        PaymentRefusal("invalid_exact_evm_nonce_already_used", detail: "used without a transfer"),
                        transaction: nil
                    )
                )
            ),
            (
                .unused(isExpired: true),
                .finish(
                    .failed(
                        PaymentRefusal("invalid_exact_evm_payload_authorization_valid_before", detail: "expired unsettled"),
                        transaction: nil
                    )
                )
            ),
            (.unused(isExpired: false), Self.soon),
            (.unknown(reason: "down"), Self.soon),
        ]
        for (state, action) in table {
            var pursuit = RemotePursuit(Self.submission, isRepeat: true)
            #expect(pursuit.chainSays(state) == action)
        }
    }

    @Test(arguments: ["", hash])
    func `a submission comes back from its words`(transaction: String) {
        let submission = RemoteSubmission(facilitator: "https://first.example/x402", transaction: transaction)
        #expect(RemoteSubmission(reason: submission.reason) == submission)
    }

    @Test(arguments: [
        "", "timeout", RemoteSubmission.nobody, "asked https://a/ again", "asked https://a/, transaction",
        "asked https://a/ transaction 0x",
    ])
    func `other words are no submission`(reason: String) {
        #expect(RemoteSubmission(reason: reason) == nil)
    }
}
