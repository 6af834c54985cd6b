// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives

@testable import TollFacilitator

/// Every state in which a `/settle` can find its payment.
@Suite struct SettleCallTests {
    static let option = PaymentOption(asset: Stand.usdc, amount: 1000, payTo: Bodies.payTo, maxTimeoutSeconds: 60)
    static let payload: JSONObject = ["signature": "0x01"]
    static let credential = Credential(dialect: "facilitator", option: option, payload: payload, challengeHash: nil)
    static let key = PaymentKey(network: Stand.chain, asset: Stand.usdc.address, payer: "0xAA", nonce: "0x01")
    static let verified = VerifiedPayment(key: key, payer: "0xAA", unusedAtBlock: 7, validBefore: 2000)
    static let used = PaymentRefusal("invalid_exact_evm_nonce_already_used")
    static let settlement = Settlement(transaction: "0xfeed", block: 8, logIndex: 0)
    static let signed = PaymentEvent.signed(SettlementTransaction(hash: "0xfeed", raw: [], signer: "0x02", nonce: 0))

    static func claim(
        _ dialect: DialectID = "facilitator",
        amount: UInt256 = 1000,
        payTo: String = Bodies.payTo,
        payload: JSONObject = payload
    ) -> Claim {
        Claim(
            key: key,
            payer: "0xAA",
            option: PaymentOption(asset: Stand.usdc, amount: amount, payTo: payTo, maxTimeoutSeconds: 9),
            dialect: dialect,
            policy: .before,
            payload: payload,
            route: "",
            request: RequestIdentity(digest: nil, isRepeatable: false),
            challengeHash: nil,
            unusedAtBlock: 7,
            validBefore: 2000
        )
    }

    static func record(_ claim: Claim = claim(), _ events: [PaymentEvent] = []) throws -> PaymentRecord {
        var record = PaymentRecord(claim, at: 0)
        for event in events { try record.apply(event, at: 1) }
        return record
    }

    @Test func `verify, claim, settle, tell, success`() throws {
        var call = SettleCall(Self.credential)
        let claimed = try Self.record()
        let settled = try Self.record(Self.claim(), [Self.signed, .settled(Self.settlement)])
        #expect(call.start() == .verify)
        guard case .claim(let claim) = call.verified(.valid(Self.verified)) else { throw Unexpected() }
        #expect(claim.dialect == "facilitator" && claim.policy == .before && claim.route.isEmpty)
        #expect(claim.challengeHash == nil && claim.request.digest == nil)
        #expect(call.claimed(.first(claimed)) == .settle(claimed))
        #expect(call.settled(.settled(Self.settlement), settled) == .tell(settled))
        #expect(call.told(settled) == .finish(.success(settled)))
    }

    struct Unexpected: Error {}

    enum Step: Sendable { case settle, tell, toldBefore, taken, failed }

    static let states: [(events: [PaymentEvent], step: Step)] = [
        ([], .settle),
        ([signed], .settle),
        ([signed, .broadcast], .settle),
        ([signed, .unknown(reason: "")], .settle),
        ([signed, .settled(settlement)], .tell),
        ([signed, .settled(settlement), .told], .toldBefore),
        ([signed, .settled(settlement), .told, .untold], .tell),
        ([signed, .failed(used)], .failed),
    ]

    static func expected(_ step: Step, _ record: PaymentRecord) -> SettleCall.Action {
        switch step {
        case .settle: .settle(record)
        case .tell: .tell(record)
        case .toldBefore: .finish(.toldBefore(record))
        case .taken: .finish(.taken(record))
        case .failed: .finish(.failed(used, transaction: record.transaction?.hash, payer: "0xAA"))
        }
    }

    @Test(arguments: states)
    func `a held payment goes on where it was left, whether or not it still verifies`(events: [PaymentEvent], step: Step) throws {
        let record = try Self.record(Self.claim(), events)
        var verifying = SettleCall(Self.credential)
        _ = verifying.verified(.valid(Self.verified))
        #expect(verifying.claimed(.held(record)) == Self.expected(step, record))
        var used = SettleCall(Self.credential)
        #expect(used.verified(.invalid(Self.used, payer: "0xAA", key: Self.key)) == .lookUp(Self.key.id))
        #expect(used.known(record) == Self.expected(step, record))
    }

    static let others: [Claim] = [
        claim("x402"), claim("x402-v1"), claim(amount: 1001), claim(payTo: Stand.usdc.address),
        claim(payload: ["signature": "0x02"]),
    ]

    @Test(arguments: others, states)
    func `a payment of a gateway, or on other terms, is told to nobody`(
        claim: Claim,
        state: (events: [PaymentEvent], step: Step)
    ) throws {
        let record = try Self.record(claim, state.events)
        var call = SettleCall(Self.credential)
        _ = call.verified(.valid(Self.verified))
        #expect(call.claimed(.held(record)) == .finish(.taken(record)))
    }

    @Test func `addresses are the same in any case`() throws {
        let record = try Self.record(Self.claim(payTo: Bodies.payTo.uppercased()))
        var call = SettleCall(Self.credential)
        _ = call.verified(.valid(Self.verified))
        #expect(call.claimed(.held(record)) == .settle(record))
    }

    @Test func `what does not verify and nobody holds is refused`() throws {
        let released = try Self.record(Self.claim("x402"), [.released(reason: "")])
        for record in [nil, released] {
            var call = SettleCall(Self.credential)
            _ = call.verified(.invalid(Self.used, payer: "0xAA", key: Self.key))
            #expect(call.known(record) == .finish(.refused(Self.used, payer: "0xAA")))
        }
        var call = SettleCall(Self.credential)
        #expect(call.verified(.invalid(Self.used)) == .finish(.refused(Self.used, payer: nil)))
    }

    @Test func `an outcome that is not success ends the call`() throws {
        let record = try Self.record()
        let table: [(SettlementOutcome, SettleCall.Ending)] = [
            (.pending(transaction: "0xfeed"), .pending(transaction: "0xfeed", payer: "0xAA")),
            (.pending(transaction: ""), .unavailable(reason: "the settlement has no transaction yet")),
            (.failed(Self.used, transaction: "0xfeed"), .failed(Self.used, transaction: "0xfeed", payer: "0xAA")),
            (.unavailable(reason: "down"), .unavailable(reason: "down")),
        ]
        for (outcome, ending) in table {
            var call = SettleCall(Self.credential)
            _ = call.verified(.valid(Self.verified))
            _ = call.claimed(.first(record))
            #expect(call.settled(outcome, record) == .finish(ending))
        }
    }

    @Test func `who waits too long learns the transaction of its own payment alone`() throws {
        let ours = try Self.record(Self.claim(), [Self.signed])
        let theirs = try Self.record(Self.claim("x402"), [Self.signed])
        for (record, expected) in [
            (ours, SettleCall.Ending.pending(transaction: "0xfeed", payer: "0xAA")),
            (theirs, .unavailable(reason: "another call settles this payment")),
            (nil, .unavailable(reason: "another call settles this payment")),
        ] {
            var call = SettleCall(Self.credential)
            _ = call.verified(.valid(Self.verified))
            #expect(call.waitedTooLong(record) == .finish(expected))
        }
    }

    @Test func `without a chain or a ledger nothing is said`() throws {
        var call = SettleCall(Self.credential)
        #expect(call.verified(.unavailable(reason: "chain")) == .finish(.unavailable(reason: "chain")))
        #expect(call.storeFailed(.unavailable("disk")) == .finish(.unavailable(reason: "the ledger: disk")))
    }
}
