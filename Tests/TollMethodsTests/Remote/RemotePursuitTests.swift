// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments

@testable import TollMethods

/// Every verdict, on the first request and after one whose answer was lost.
@Suite struct RemotePursuitTests {
    typealias Verdict = FacilitatorExchange.SettleVerdict

    static let hash = "0x" + String(repeating: "ab", count: 32)
    static let submission = RemoteSubmission(facilitator: "https://first.example/")
    static let settled = RemotePursuit.Action.finish(.settled(Settlement(transaction: hash, block: 0, logIndex: 0)))
    static let soon = RemotePursuit.Action.wait(.seconds(1))

    static func refusal(_ reason: String) -> PaymentRefusal { PaymentRefusal(reason, detail: "d") }

    static func failed(_ reason: String, _ transaction: String?) -> RemotePursuit.Action {
        .finish(.failed(self.refusal(reason), transaction: transaction))
    }

    static let named = RemotePursuit.Action.note(RemoteSubmission(facilitator: "https://first.example/", transaction: hash))

    /// Verdict, what follows it on the first request, and what follows it later.
    static let table: [(verdict: Verdict, first: RemotePursuit.Action, later: RemotePursuit.Action)] = [
        (.success(transaction: hash), settled, settled),
        (.pending(transaction: hash), named, named),
        (.pending(transaction: ""), soon, soon),
        (.failure(refusal("insufficient_funds"), transaction: ""), failed("insufficient_funds", nil), .readChain),
        (
            .failure(refusal("invalid_exact_evm_nonce_already_used"), transaction: ""),
            failed("invalid_exact_evm_nonce_already_used", nil), .readChain
        ),
        (.failure(refusal("duplicate_settlement"), transaction: hash), failed("duplicate_settlement", hash), settled),
        (.failure(refusal("duplicate_settlement"), transaction: ""), failed("duplicate_settlement", nil), .readChain),
        (
            .failure(refusal("transaction_failed"), transaction: hash), failed("transaction_failed", hash),
            failed("transaction_failed", hash)
        ),
        (.failure(refusal("transaction_failed"), transaction: ""), failed("transaction_failed", nil), .readChain),
        (.failure(refusal("insufficient_funds"), transaction: hash), failed("insufficient_funds", hash), .readChain),
        (.notTaken(reason: "answered 429"), .elsewhere(reason: "answered 429"), .readChain),
        (.unknown(reason: "timed out"), .readChain, .readChain),
    ]

    @Test(arguments: table)
    func `a first verdict is believed, and after a lost answer only what proves itself`(
        verdict: Verdict,
        first: RemotePursuit.Action,
        later: RemotePursuit.Action
    ) {
        var pursuit = RemotePursuit(Self.submission, isRepeat: false)
        #expect(pursuit.start() == .ask)
        #expect(pursuit.answered(verdict) == first)
        var repeated = RemotePursuit(Self.submission, isRepeat: true)
        #expect(repeated.answered(verdict) == later)
        var lost = RemotePursuit(Self.submission, isRepeat: false)
        _ = lost.answered(.unknown(reason: "reset"))
        #expect(lost.answered(verdict) == later)
    }

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
        let settlement = Settlement(transaction: Self.hash, block: 9, logIndex: 1)
        let table: [(SettlementPursuit.AuthorizationState, RemotePursuit.Action)] = [
            (.transferred(settlement), .finish(.settled(settlement))),
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
