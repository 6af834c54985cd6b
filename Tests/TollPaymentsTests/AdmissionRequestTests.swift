// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

/// Leave to pass is given once: what a request meets that presents a payment for it again, after each place a crash can come.
@Suite struct AdmissionRequestTests {
    private typealias Usual = PaidRequestTests

    /// What the one who claimed `record` is answered.
    private static func again(
        _ record: PaymentRecord, worker: WorkerID = Usual.worker, at time: Int64 = 2
    ) -> (machine: PaidRequest, action: PaidRequest.Action) {
        var machine = Usual.machine(SettleRule(.before), admits: true, worker: worker, at: time)
        _ = machine.verified(.valid(Usual.payment))
        let action = machine.claimed(.held(record))
        return (machine, action)
    }

    @Test func `the usual course: settled, noted as about to be given, given`() throws {
        var machine = Usual.machine(SettleRule(.before), admits: true)
        let claim = Usual.claim(.before, request: RequestIdentity(digest: Usual.get.digest, isRepeatable: false))
        let (record, settled) = (try Usual.record(claim), try Usual.record(claim, .settled(Usual.settlement)))
        #expect(machine.verified(.valid(Usual.payment)) == .claim(claim, nil))
        #expect(machine.claimed(.first(record)) == .settle(record, keepsAnswer: false))
        #expect(machine.settled(.settled(Usual.settlement), settled) == .callUpstream(settled))
        #expect(machine.upstreamAnswered(.answer(status: 200)) == .record([], keepsAnswer: true))
        #expect(machine.recorded(settled) == .finish(.deliver(settled)))
    }

    @Test func `given: nobody gets it again, not even by GET and the secret`() throws {
        let record = try Usual.record(Usual.claim(.before), .settled(Usual.settlement), Usual.answer, .served)
        #expect(Self.again(record).action == .finish(.alreadyUsed(transaction: "0xfeed")))
    }

    @Test func `about to be given: nobody knows, and it is owed`() throws {
        let record = try Usual.record(Usual.claim(.before), .settled(Usual.settlement), Usual.answer)
        var (machine, action) = Self.again(record)
        #expect(action == .record([.owed(reason: "the call was interrupted")], keepsAnswer: false))
        let owed = try Usual.record(
            Usual.claim(.before), .settled(Usual.settlement), Usual.answer, .owed(reason: "the call was interrupted"))
        #expect(machine.recorded(owed) == .finish(.outcomeUnknown(debt: owed)))
        (machine, action) = Self.again(owed)
        #expect(action == .finish(.outcomeUnknown(debt: owed)))
    }

    @Test func `settled, and never about to be given: given now, for ten minutes`() throws {
        let record = try Usual.record(Usual.claim(.before), .settled(Usual.settlement))
        #expect(Self.again(record, at: 1 + StoredAnswer.keptSeconds).action == .callUpstream(record))
        #expect(
            Self.again(record, at: 2 + StoredAnswer.keptSeconds).action
                == .record([.owed(reason: "the call was interrupted")], keepsAnswer: false))
    }

    @Test func `another process may be about to give it: it is waited for`() throws {
        let record = try Usual.record(Usual.claim(.before), .settled(Usual.settlement))
        var (machine, action) = Self.again(record, worker: SamplePayment.worker(2))
        #expect(action == .takeOver(record.id))
        #expect(machine.tookOver(record) == .lookAgain(record.id))
        (machine, action) = Self.again(record)
        #expect(action == .callUpstream(record))
    }

    @Test func `sent and not settled yet: settled first`() throws {
        let record = try Usual.record(Usual.claim(.before), Usual.signed, .broadcast)
        var (machine, action) = Self.again(record)
        #expect(action == .settle(record, keepsAnswer: false))
        let settled = try Usual.record(Usual.claim(.before), Usual.signed, .broadcast, .settled(Usual.settlement))
        action = machine.settled(.settled(Usual.settlement), settled)
        #expect(action == .callUpstream(settled))
    }

    @Test func `deferred: queued is given, and interrupted before that costs nothing`() throws {
        let claim = Usual.claim(.deferred, request: RequestIdentity(digest: Usual.get.digest, isRepeatable: false))
        #expect(Self.again(try Usual.record(claim, .queued, .served)).action == .finish(.alreadyUsed(transaction: nil)))
        guard case .record(let events, keepsAnswer: false) = Self.again(try Usual.record(claim)).action else {
            Issue.record("it is given again")
            return
        }
        #expect(events == [.failed(PaidRequest.interruption)])
    }
}
