// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

/// Requests that are served before they are paid, and policies that depend on who pays.
@Suite struct DeferredRequestTests {
    private typealias Usual = PaidRequestTests

    private static let rich = VerifiedPayment(
        key: Usual.key, payer: "0xAA", unusedAtBlock: 7, validBefore: 2000, spendable: 5_000)
    private static let terms = DeferralTerms(perPayer: 1_000_000, total: 50_000_000, spendable: 5_000, settledPaymentsMin: 1)
    private static let claim = Usual.claim(.deferred)

    private static func claimed(
        _ outcome: ClaimOutcome, rule: SettleRule = SettleRule(.deferred), request: RequestIdentity = Usual.get,
        secret: Bytes32? = Usual.secret, at time: Int64 = 2
    ) -> (PaidRequest, PaidRequest.Action) {
        var machine = Usual.machine(rule, request: request, secret: secret, at: time)
        _ = machine.verified(.valid(self.rich))
        let action = machine.claimed(outcome)
        return (machine, action)
    }

    // MARK: - The usual course

    @Test func `verified lately, claimed under terms, called, delivered unsettled`() throws {
        var machine = Usual.machine(SettleRule(.deferred))
        let record = try Usual.record(Self.claim)
        #expect(machine.start() == .verify(.recent))
        #expect(machine.verified(.valid(Self.rich)) == .claim(Self.claim, Self.terms))
        #expect(machine.claimed(.first(record)) == .callUpstream(record))
        #expect(machine.upstreamAnswered(.answer(status: 200)) == .finish(.deliver(record)))
    }

    @Test(arguments: [304, 400, 404, 500])
    func `an answer that is no success costs nothing`(status: Int) throws {
        var (machine, _) = Self.claimed(.first(try Usual.record(Self.claim)))
        let released = PaymentEvent.released(reason: "the upstream answered \(status)")
        #expect(machine.upstreamAnswered(.answer(status: status)) == .record([released], keepsAnswer: false))
        #expect(machine.recorded(try Usual.record(Self.claim, released)) == .finish(.deliverUncharged))
    }

    @Test func `an upstream that fails costs nothing`() throws {
        var (machine, _) = Self.claimed(.first(try Usual.record(Self.claim)))
        let failure = PaidRequest.UpstreamFailure(.timedOut, reason: "30 s")
        #expect(machine.upstreamAnswered(.failed(failure)) == .record([.released(reason: "30 s")], keepsAnswer: false))
        #expect(machine.recorded(try Usual.record()) == .finish(.upstreamFailed(failure, debt: nil)))
    }

    // MARK: - Who is not deferred

    @Test func `a payer that is no plain account is verified anew and settled as the rule has it otherwise`() throws {
        var machine = Usual.machine(SettleRule(.deferred))
        let record = try Usual.record()
        #expect(machine.verified(.valid(Usual.payment)) == .verify(.now))
        #expect(machine.verified(.valid(Usual.payment)) == .claim(Usual.claim(), nil))
        #expect(machine.claimed(.first(record)) == .callUpstream(record))
        #expect(machine.upstreamAnswered(.answer(status: 200)) == .settle(record, keepsAnswer: true))
    }

    @Test(arguments: [SettlePolicy.before, .after])
    func `whom the ledger does not defer is settled in the same request`(otherwise: SettlePolicy) throws {
        var (machine, action) = Self.claimed(.notDeferrable(reason: "new"), rule: SettleRule(.deferred, otherwise: otherwise))
        let record = try Usual.record(Usual.claim(otherwise))
        #expect(action == .verify(.now))
        #expect(machine.verified(.valid(Self.rich)) == .claim(Usual.claim(otherwise), nil))
        let next = machine.claimed(.first(record))
        #expect(next == (otherwise == .before ? .settle(record, keepsAnswer: false) : .callUpstream(record)))
    }

    @Test func `what would not settle now is refused, though it would have lately`() {
        var (machine, _) = Self.claimed(.notDeferrable(reason: "new"))
        #expect(
            machine.verified(.invalid(Usual.refusal, payer: "0xAA")) == .finish(.refuse(Usual.refusal, payer: "0xAA")))
    }

    // MARK: - Presented again

    private static let paths: [[PaymentEvent]] = [
        [.queued], [.queued, Usual.signed], [.queued, Usual.signed, .broadcast],
        [.queued, Usual.signed, .unknown(reason: "")], [.queued, Usual.signed, .broadcast, .settled(Usual.settlement)],
    ]

    private static func record(_ events: [PaymentEvent], request: RequestIdentity = Usual.get) throws -> PaymentRecord {
        var record = PaymentRecord(Usual.claim(.deferred, request: request), at: 0)
        for event in events { try record.apply(event, at: 1_000) }
        return record
    }

    @Test(arguments: paths)
    func `the claimant's GET is called again for ten minutes from the claim on`(events: [PaymentEvent]) throws {
        let record = try Self.record(events + [.served])
        var (machine, action) = Self.claimed(.held(record), at: 600)
        #expect(action == .callUpstream(record))
        #expect(machine.upstreamAnswered(.answer(status: 404)) == .finish(.deliver(record)))
        (machine, action) = Self.claimed(.held(record), at: 601)
        #expect(action == .finish(.alreadyUsed(transaction: record.transaction?.hash)))
    }

    @Test(arguments: paths)
    func `a POST is not, nor is a stranger's`(events: [PaymentEvent]) throws {
        let post = try Self.record(events + [.served], request: Usual.post)
        let used = PaidRequest.Action.finish(.alreadyUsed(transaction: post.transaction?.hash))
        #expect(Self.claimed(.held(post), request: Usual.post).1 == used)
        #expect(Self.claimed(.held(try Self.record(events + [.served])), secret: nil).1 == used)
    }

    @Test func `a second copy that fails is no debt: the money moves later, for the first`() throws {
        let record = try Self.record([.queued])
        var (machine, _) = Self.claimed(.held(record))
        let failure = PaidRequest.UpstreamFailure(.failed, reason: "the upstream answered 500")
        #expect(machine.upstreamAnswered(.answer(status: 500)) == .finish(.upstreamFailed(failure, debt: nil)))
    }

    @Test func `settled and never delivered, it is owed`() throws {
        let record = try Self.record([.queued, Usual.signed, .settled(Usual.settlement)], request: Usual.post)
        let (_, action) = Self.claimed(.held(record), request: Usual.post)
        #expect(action == .record([.owed(reason: "the call was interrupted")], keepsAnswer: false))
    }

    // MARK: - After a crash

    @Test func `interrupted before it was queued: a GET is called again, a POST is not`() throws {
        let record = try Self.record([])
        var (machine, action) = Self.claimed(.held(record))
        #expect(action == .callUpstream(record))
        #expect(machine.upstreamAnswered(.answer(status: 200)) == .finish(.deliver(record)))
        (machine, action) = Self.claimed(.held(try Self.record([], request: Usual.post)), request: Usual.post)
        guard case .record(let events, keepsAnswer: false) = action, case .failed? = events.first else {
            Issue.record("the authorization is not dropped")
            return
        }
        #expect(machine.recorded(record) == .finish(.outcomeUnknown(debt: nil)))
    }

    @Test func `interrupted, and it does not verify any more: settled before anything is delivered`() throws {
        let record = try Self.record([])
        var machine = Usual.machine(SettleRule(.deferred))
        _ = machine.verified(.invalid(Usual.refusal, key: Usual.key))
        #expect(machine.known(record) == .callUpstream(record))
        #expect(machine.upstreamAnswered(.answer(status: 200)) == .settle(record, keepsAnswer: true))
    }

    // MARK: - By history

    @Test func `who has paid often enough gets the policy, everyone else the other`() throws {
        let rule = SettleRule(.after, settledPaymentsMin: 5, otherwise: .before)
        for (count, policy) in [(5, SettlePolicy.after), (4, .before)] {
            var machine = Usual.machine(rule)
            #expect(machine.start() == .verify(.now))
            #expect(machine.verified(.valid(Usual.payment)) == .countSettled(payer: "0xAA", upTo: 5))
            #expect(machine.counted(count) == .claim(Usual.claim(policy), nil))
        }
    }

    // MARK: - Several processes on one ledger

    private static let other = SamplePayment.worker(2)

    /// A payment that another process has claimed.
    private static func theirs(_ policy: SettlePolicy = .after) throws -> PaymentRecord {
        var record = PaymentRecord(Usual.claim(policy), at: 50)
        try record.apply(.takenOver(by: self.other), at: 50)
        return record
    }

    /// A request that finds `record`.
    private static func finding(
        _ record: PaymentRecord, request: RequestIdentity = Usual.get
    ) -> (PaidRequest, PaidRequest.Action) {
        var machine = Usual.machine(SettleRule(.after), request: request)
        _ = machine.verified(.valid(Usual.payment))
        let action = machine.claimed(.held(record))
        return (machine, action)
    }

    private static func taken(_ record: PaymentRecord) throws -> PaymentRecord {
        var taken = record
        try taken.apply(.takenOver(by: Usual.worker), at: 100)
        return taken
    }

    @Test func `another process at work is waited for, and its kept answer given`() throws {
        var record = try Self.theirs()
        var (machine, action) = Self.finding(record)
        #expect(action == .takeOver(record.id))
        #expect(machine.tookOver(record) == .lookAgain(record.id))
        #expect(machine.lookedAgain(record) == .takeOver(record.id))
        #expect(machine.tookOver(record) == .lookAgain(record.id))
        for event in [Usual.answer, Usual.signed, .settled(Usual.settlement)] { try record.apply(event, at: 100) }
        #expect(machine.lookedAgain(record) == .finish(.replay(record)))
    }

    @Test func `who waits in vain for another process is told to come again`() throws {
        let record = try Self.theirs()
        var (machine, _) = Self.finding(record)
        #expect(machine.waitedTooLong(record) == .finish(.pending(record.id, transaction: nil)))
    }

    @Test func `a call of another process that failed leaves the payment to whoever waits`() throws {
        var record = try Self.theirs()
        var (machine, _) = Self.finding(record)
        _ = machine.tookOver(record)
        try record.apply(.released(reason: ""), at: 60)
        #expect(machine.lookedAgain(record) == .claim(Usual.claim(), nil))
    }

    @Test func `a stranger waits for nobody`() throws {
        var machine = Usual.machine(SettleRule(.after), secret: nil)
        _ = machine.verified(.valid(Usual.payment))
        #expect(machine.claimed(.held(try Self.theirs())) == .finish(.alreadyUsed(transaction: nil)))
    }

    @Test func `what a dead process left is taken over, and called again where that does no harm`() throws {
        let record = try Self.theirs()
        var (machine, _) = Self.finding(record)
        let taken = try Self.taken(record)
        #expect(machine.tookOver(taken) == .callUpstream(taken))
        var post = PaymentRecord(Usual.claim(request: Usual.post), at: 50)
        try post.apply(.takenOver(by: Self.other), at: 50)
        var (poster, action) = Self.finding(post, request: Usual.post)
        #expect(action == .takeOver(post.id))
        #expect(poster.tookOver(try Self.taken(post)) == .record([.failed(PaidRequest.interruption)], keepsAnswer: false))
    }

    @Test func `a payment that is gone from the ledger closes the gate`() throws {
        var (machine, _) = Self.finding(try Self.theirs())
        guard case .finish(.unavailable) = machine.tookOver(nil) else {
            Issue.record("the gate stays open")
            return
        }
    }

    @Test func `before: another process that settled is about to call the upstream, until it is dead`() throws {
        var record = try Self.theirs(.before)
        try record.apply(.settled(Usual.settlement), at: 60)
        var (machine, action) = Self.finding(record)
        #expect(action == .takeOver(record.id))
        let taken = try Self.taken(record)
        #expect(machine.tookOver(taken) == .callUpstream(taken))
    }

    // MARK: - Dollars

    @Test(
        arguments: [(1_000, 6, 1_000), (1, 18, 1), (1_000_000_000_001, 18, 2), (5, 2, 50_000), (1_000_000_000_000, 18, 1)]
            as [(UInt64, Int, Int64)])
    func `exposure is in millionths of a dollar, rounded up`(units: UInt64, decimals: Int, exposure: Int64) {
        #expect(Self.option(UInt256(units), decimals: decimals).exposure == exposure)
    }

    @Test func `a price beyond counting fits no limit`() {
        #expect(Self.option(.max, decimals: 0).exposure == .max)
        #expect(Self.option(.max, decimals: 6).exposure == .max)
    }

    private static func option(_ amount: UInt256, decimals: Int) -> PaymentOption {
        let asset = Asset(
            network: ChainID(eip155: 1), address: "0x", symbol: "USD", decimals: decimals, domainName: "", domainVersion: "")
        return PaymentOption(asset: asset, amount: amount, payTo: "0x", maxTimeoutSeconds: 300)
    }
}
