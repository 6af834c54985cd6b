// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

/// Every order of events that a request with a credential can meet, without a socket or a store.
@Suite struct PaidRequestTests {
    static let asset = Asset(
        network: ChainID(eip155: 84532), address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", symbol: "USDC", decimals: 6,
        domainName: "USDC", domainVersion: "2")
    static let option = PaymentOption(
        asset: asset, amount: 1000, payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", maxTimeoutSeconds: 300)
    static let key = PaymentKey(network: asset.network, asset: asset.address, payer: "0xAA", nonce: "0x01")
    static let payment = VerifiedPayment(key: key, payer: "0xAA", unusedAtBlock: 7, validBefore: 2000)
    static let settlement = Settlement(transaction: "0xfeed", block: 8, logIndex: 0)
    static let secret = Bytes32.zero
    static let worker = SamplePayment.worker(1)
    static let get = RequestIdentity(parts: [[1]], isRepeatable: true)
    static let post = RequestIdentity(parts: [[2]], isRepeatable: false)
    static let refusal = PaymentRefusal("invalid_exact_evm_payload_signature")

    static func machine(
        _ policy: SettlePolicy = .after, request: RequestIdentity = get, secret: Bytes32? = secret, at time: Int64 = 2
    ) -> PaidRequest {
        machine(SettleRule(policy), request: request, secret: secret, at: time)
    }

    static func machine(
        _ rule: SettleRule, request: RequestIdentity = get, secret: Bytes32? = secret, admits: Bool = false,
        worker: WorkerID = worker, at time: Int64 = 2
    ) -> PaidRequest {
        PaidRequest(
            credential: Credential(dialect: "x402", option: option, payload: [:], challengeHash: secret),
            rule: rule, route: "/x", request: request, admits: admits, worker: worker, at: time)
    }

    static func claim(
        _ policy: SettlePolicy = .after, request: RequestIdentity = get, secret: Bytes32? = secret
    ) -> Claim {
        Claim(
            key: key, payer: "0xAA", option: option, dialect: "x402", policy: policy, payload: [:], route: "/x", request: request,
            challengeHash: secret, unusedAtBlock: 7, validBefore: 2000, exposure: policy == .deferred ? 1_000 : 0, worker: worker)
    }

    static func record(_ claim: Claim = claim(), _ events: PaymentEvent...) throws -> PaymentRecord {
        var record = PaymentRecord(claim, at: 0)
        for event in events { try record.apply(event, at: 1) }
        return record
    }

    static let answer = PaymentEvent.answered(StoredAnswer(status: 200, fields: [], body: []))
    static let signed = PaymentEvent.signed(SettlementTransaction(hash: "0xfeed", raw: [], signer: "0x02", nonce: 0))

    // MARK: - The usual course

    @Test func `after: verify, claim, call, settle with the kept answer, deliver`() throws {
        var machine = Self.machine()
        let record = try Self.record()
        #expect(machine.start() == .verify(.now))
        #expect(machine.verified(.valid(Self.payment)) == .claim(Self.claim(), nil))
        #expect(machine.claimed(.first(record)) == .callUpstream(record))
        #expect(machine.upstreamAnswered(.answer(status: 200)) == .settle(record, keepsAnswer: true))
        let settled = try Self.record(Self.claim(), .settled(Self.settlement))
        #expect(machine.settled(.settled(Self.settlement), settled) == .finish(.deliver(settled)))
    }

    @Test func `before: verify, claim, settle, call, deliver`() throws {
        var machine = Self.machine(.before)
        let record = try Self.record(Self.claim(.before))
        let settled = try Self.record(Self.claim(.before), .settled(Self.settlement))
        _ = machine.verified(.valid(Self.payment))
        #expect(machine.claimed(.first(record)) == .settle(record, keepsAnswer: false))
        #expect(machine.settled(.settled(Self.settlement), settled) == .callUpstream(settled))
        #expect(machine.upstreamAnswered(.answer(status: 404)) == .record([], keepsAnswer: true))
        #expect(machine.recorded(settled) == .finish(.deliver(settled)))
    }

    // MARK: - Failures

    @Test func `what does not verify is refused without a claim`() {
        var machine = Self.machine()
        #expect(machine.verified(.invalid(Self.refusal, payer: "0xAA")) == .finish(.refuse(Self.refusal, payer: "0xAA")))
    }

    @Test func `a chain that does not answer closes the gate`() {
        var machine = Self.machine()
        #expect(machine.verified(.unavailable(reason: "down")) == .finish(.unavailable(reason: "down")))
    }

    @Test func `a ledger that does not answer closes the gate`() {
        var machine = Self.machine()
        _ = machine.verified(.valid(Self.payment))
        guard case .finish(.unavailable) = machine.storeFailed(.unavailable("disk")) else {
            Issue.record("the gate stays open")
            return
        }
    }

    @Test(arguments: [304, 400, 404, 500, 503])
    func `after: an answer that is no success costs nothing`(status: Int) throws {
        var machine = Self.machine()
        _ = machine.verified(.valid(Self.payment))
        _ = machine.claimed(.first(try Self.record()))
        let reason = "the upstream answered \(status)"
        #expect(machine.upstreamAnswered(.answer(status: status)) == .record([.released(reason: reason)], keepsAnswer: false))
        #expect(machine.recorded(try Self.record(Self.claim(), .released(reason: reason))) == .finish(.deliverUncharged))
    }

    @Test func `after: an upstream that fails costs nothing`() throws {
        var machine = Self.machine()
        let failure = PaidRequest.UpstreamFailure(.timedOut, reason: "30 s")
        _ = machine.verified(.valid(Self.payment))
        _ = machine.claimed(.first(try Self.record()))
        #expect(machine.upstreamAnswered(.failed(failure)) == .record([.released(reason: "30 s")], keepsAnswer: false))
        #expect(machine.recorded(try Self.record()) == .finish(.upstreamFailed(failure, debt: nil)))
    }

    @Test func `before: an upstream that fails leaves a debt`() throws {
        var machine = Self.machine(.before)
        let settled = try Self.record(Self.claim(.before), .settled(Self.settlement))
        _ = machine.verified(.valid(Self.payment))
        _ = machine.claimed(.first(try Self.record(Self.claim(.before))))
        _ = machine.settled(.settled(Self.settlement), settled)
        let reason = "the upstream answered 500"
        #expect(machine.upstreamAnswered(.answer(status: 500)) == .record([.owed(reason: reason)], keepsAnswer: false))
        let failure = PaidRequest.UpstreamFailure(.failed, reason: reason)
        #expect(machine.recorded(settled) == .finish(.upstreamFailed(failure, debt: settled)))
    }

    @Test func `a settlement that fails delivers nothing`() throws {
        var machine = Self.machine()
        let record = try Self.record()
        _ = machine.verified(.valid(Self.payment))
        _ = machine.claimed(.first(record))
        _ = machine.upstreamAnswered(.answer(status: 200))
        let refusal = PaymentRefusal("transaction_failed")
        #expect(
            machine.settled(.failed(refusal, transaction: "0xfeed"), record)
                == .finish(.settlementFailed(refusal, transaction: "0xfeed", payer: "0xAA")))
    }

    @Test func `a chain that is down when the answer is here: the answer is kept, and its settlement can be taken up`() throws {
        var machine = Self.machine()
        let record = try Self.record()
        _ = machine.verified(.valid(Self.payment))
        _ = machine.claimed(.first(record))
        _ = machine.upstreamAnswered(.answer(status: 200))
        #expect(machine.settled(.unavailable(reason: "down"), record) == .record([], keepsAnswer: true))
        #expect(machine.recorded(try Self.record(Self.claim(), Self.answer)) == .finish(.unavailable(reason: "down")))
    }

    @Test func `a body that breaks off costs nothing, or was paid for by who broke it off`() throws {
        var machine = Self.machine()
        _ = machine.verified(.valid(Self.payment))
        _ = machine.claimed(.first(try Self.record()))
        let released = PaymentEvent.released(reason: "the request broke off")
        #expect(machine.upstreamAnswered(.requestBroken(.tooLarge)) == .record([released], keepsAnswer: false))
        #expect(machine.recorded(try Self.record()) == .finish(.requestBroken(.tooLarge, paid: nil)))

        machine = Self.machine(.before)
        let settled = try Self.record(Self.claim(.before), .settled(Self.settlement))
        _ = machine.verified(.valid(Self.payment))
        _ = machine.claimed(.first(try Self.record(Self.claim(.before))))
        _ = machine.settled(.settled(Self.settlement), settled)
        #expect(machine.upstreamAnswered(.requestBroken(.tooLarge)) == .finish(.requestBroken(.tooLarge, paid: settled)))
    }

    @Test func `when too many wait, nothing is claimed`() {
        var machine = Self.machine()
        _ = machine.verified(.valid(Self.payment))
        guard case .finish(.unavailable) = machine.tooManyWait() else {
            Issue.record("it joins them")
            return
        }
    }

    @Test func `a settlement that takes too long is pending, not failed`() throws {
        var machine = Self.machine(.before)
        let record = try Self.record(Self.claim(.before))
        _ = machine.verified(.valid(Self.payment))
        _ = machine.claimed(.first(record))
        #expect(machine.settled(.pending(transaction: "0xfeed"), record) == .finish(.pending(record.id, transaction: "0xfeed")))
    }

    // MARK: - A payment that is held already

    static func held(
        _ record: PaymentRecord, request: RequestIdentity = get, secret: Bytes32? = secret
    ) -> PaidRequest.Action {
        var machine = Self.machine(record.claim.policy, request: request, secret: secret)
        _ = machine.verified(.valid(Self.payment))
        return machine.claimed(.held(record))
    }

    @Test func `the claimant gets the kept answer`() throws {
        let record = try Self.record(Self.claim(), Self.answer, .settled(Self.settlement))
        #expect(Self.held(record) == .finish(.replay(record)))
    }

    @Test func `a settled authorization no longer verifies, and its claimant still gets the kept answer`() throws {
        let record = try Self.record(Self.claim(), Self.answer, .settled(Self.settlement))
        var machine = Self.machine()
        #expect(machine.verified(.invalid(Self.refusal, key: Self.key)) == .lookUp(Self.key.id))
        #expect(machine.known(record) == .finish(.replay(record)))
    }

    @Test func `an invalid credential that the ledger does not know is refused for what is wrong with it`() {
        var machine = Self.machine()
        _ = machine.verified(.invalid(Self.refusal, payer: "0xAA", key: Self.key))
        #expect(machine.known(nil) == .finish(.refuse(Self.refusal, payer: "0xAA")))
    }

    @Test(arguments: [
        (get, Optional(Bytes32(hex: String(repeating: "11", count: 32))!)), (get, nil), (post, Optional(Bytes32.zero)),
        (RequestIdentity(digest: nil, isRepeatable: true), Optional(Bytes32.zero)),
    ])
    func `everybody else, and every other request, is refused`(request: RequestIdentity, secret: Bytes32?) throws {
        let record = try Self.record(Self.claim(), Self.answer, Self.signed, .settled(Self.settlement))
        #expect(Self.held(record, request: request, secret: secret) == .finish(.alreadyUsed(transaction: "0xfeed")))
    }

    @Test func `an authorization under which as many calls failed as may is used up, for everybody`() throws {
        var record = try Self.record()
        for attempt in 1...PaymentRecord.attemptsMax {
            if attempt > 1 { try record.apply(.claimed(Self.claim()), at: 1) }
            try record.apply(.released(reason: ""), at: 1)
        }
        #expect(Self.held(record) == .finish(.usedUp))
        #expect(Self.held(record, secret: nil) == .finish(.usedUp))
    }

    @Test func `who waits too long for another request learns more of it when it is the claimant's own`() throws {
        let record = try Self.record(Self.claim(), Self.signed, .broadcast)
        var machine = Self.machine()
        _ = machine.verified(.valid(Self.payment))
        #expect(machine.waitedTooLong(record) == .finish(.pending(record.id, transaction: "0xfeed")))
        machine = Self.machine(secret: nil)
        _ = machine.verified(.valid(Self.payment))
        #expect(machine.waitedTooLong(record) == .finish(.alreadyUsed(transaction: "0xfeed")))
        machine = Self.machine()
        _ = machine.verified(.valid(Self.payment))
        guard case .finish(.unavailable) = machine.waitedTooLong(nil) else {
            Issue.record("nobody has claimed it")
            return
        }
    }

    @Test func `missing secrets are not equal secrets`() throws {
        let record = try Self.record(Self.claim(secret: nil), Self.answer, .settled(Self.settlement))
        #expect(Self.held(record, secret: nil) == .finish(.alreadyUsed(transaction: nil)))
    }

    @Test func `a settlement under way is taken up, then the kept answer is given`() throws {
        let record = try Self.record(Self.claim(), Self.answer, Self.signed, .broadcast)
        var machine = Self.machine()
        _ = machine.verified(.valid(Self.payment))
        #expect(machine.claimed(.held(record)) == .settle(record, keepsAnswer: false))
        let settled = try Self.record(Self.claim(), Self.answer, Self.signed, .broadcast, .settled(Self.settlement))
        #expect(machine.settled(.settled(Self.settlement), settled) == .finish(.replay(settled)))
    }

    // MARK: - After a crash

    @Test func `after, interrupted before the answer: a GET is called again under the same claim`() throws {
        let record = try Self.record()
        #expect(Self.held(record) == .callUpstream(record))
    }

    @Test func `after, interrupted before the answer: a POST is not called twice, and costs nothing`() throws {
        let record = try Self.record(Self.claim(request: Self.post))
        var machine = Self.machine(request: Self.post)
        _ = machine.verified(.valid(Self.payment))
        guard case .record(let events, keepsAnswer: false) = machine.claimed(.held(record)), case .failed? = events.first else {
            Issue.record("the authorization is not dropped")
            return
        }
        #expect(machine.recorded(record) == .finish(.outcomeUnknown(debt: nil)))
    }

    @Test func `who asks again after an interrupted POST was dropped is told so again`() throws {
        var first = Self.machine(request: Self.post)
        _ = first.verified(.valid(Self.payment))
        let claimed = try Self.record(Self.claim(request: Self.post))
        guard case .record(let events, _) = first.claimed(.held(claimed)) else {
            Issue.record("the authorization is not dropped")
            return
        }
        var dropped = claimed
        for event in events { try dropped.apply(event, at: 1) }
        var again = Self.machine(request: Self.post)
        _ = again.verified(.valid(Self.payment))
        #expect(again.claimed(.held(dropped)) == .finish(.outcomeUnknown(debt: nil)))
    }

    @Test func `after, interrupted behind the kept answer: settled and given`() throws {
        let record = try Self.record(Self.claim(), Self.answer)
        #expect(Self.held(record) == .settle(record, keepsAnswer: false))
    }

    @Test func `before, interrupted behind the settlement: a POST becomes a debt`() throws {
        let record = try Self.record(Self.claim(.before, request: Self.post), Self.signed, .settled(Self.settlement))
        var machine = Self.machine(.before, request: Self.post)
        _ = machine.verified(.valid(Self.payment))
        guard case .record(let events, keepsAnswer: false) = machine.claimed(.held(record)), case .owed? = events.first else {
            Issue.record("nothing is owed")
            return
        }
        #expect(machine.recorded(record) == .finish(.outcomeUnknown(debt: record)))
    }

    @Test func `called again by two processes, the answer that is in the ledger first is given`() throws {
        let record = try Self.record(Self.claim(.before), Self.signed, .settled(Self.settlement))
        let answered = try Self.record(Self.claim(.before), Self.signed, .settled(Self.settlement), Self.answer)
        var machine = Self.machine(.before)
        _ = machine.verified(.valid(Self.payment))
        #expect(machine.claimed(.held(record)) == .callUpstream(record))
        #expect(machine.upstreamAnswered(.answer(status: 200)) == .record([], keepsAnswer: true))
        #expect(machine.answeredElsewhere(answered) == .finish(.replay(answered)))
    }

    @Test func `before, interrupted behind the settlement: a GET is called again`() throws {
        let record = try Self.record(Self.claim(.before), Self.signed, .settled(Self.settlement))
        #expect(Self.held(record) == .callUpstream(record))
    }
}
