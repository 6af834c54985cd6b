// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollRuntime

/// Settles for callers: carries out what ``SettleCall`` decides.
struct SettleCalls: Sendable {
    /// How a call ended, and what is to be undone or given back once it is known whether the caller got the answer.
    struct Result: Sendable {
        let ending: SettleCall.Ending
        /// The payment that no other call works on until ``SettleCalls/close(_:for:isDelivered:)``.
        fileprivate let held: PaymentID?

        /// A payment that never got as far as a call.
        static func refused(_ refusal: PaymentRefusal) -> Result { Result(ending: .refused(refusal, payer: nil), held: nil) }
    }

    let store: any PaymentStore
    let patience: Duration
    let environment: Environment
    let log: Logger
    private let locks = PaymentLocks()
    private let toldCallers = ToldCallers()

    init(store: any PaymentStore, patience: Duration, environment: Environment, log: Logger) {
        self.store = store
        self.patience = patience
        self.environment = environment
        self.log = log
    }

    /// Until the end. A result that is success is in the ledger as told.
    func run(_ credential: Credential, by method: any PaymentMethod, for caller: Caller?) async -> Result {
        var run = SettleRun(calls: self, locks: self.locks, method: method, credential: credential)
        var ending = await run.end()
        if case .toldBefore(let record) = ending, let caller, self.toldCallers.wasTold(caller, record.id) {
            ending = .success(record)
        }
        return Result(ending: ending, held: run.held)
    }

    /// The answer was written, or is known not to have been: then nobody was told.
    func close(_ result: Result, for caller: Caller?, isDelivered: Bool) async {
        if case .success(let record) = result.ending {
            let isRepeat = caller.map { self.toldCallers.wasTold($0, record.id) } ?? false
            if isDelivered {
                if let caller { self.toldCallers.note(caller, record.id) }
            } else if !isRepeat {
                await self.untell(record)
            }
        }
        if let payment = result.held { self.locks.release(payment) }
    }

    private func untell(_ record: PaymentRecord) async {
        do throws(StoreError) {
            try await self.store.append([.untold], to: record.id, at: self.now)
            self.log.warning("success could not be delivered, the next caller is told", ["payment": record.id])
        } catch {
            self.log.error("success was told to nobody and is lost", ["payment": record.id, "reason": error.reason])
        }
    }

    var now: Int64 { Int64(self.environment.now()) }
}

/// The driver of one `/settle`.
private struct SettleRun {
    let calls: SettleCalls
    let locks: PaymentLocks
    let method: any PaymentMethod
    let credential: Credential
    private var machine: SettleCall
    private(set) var held: PaymentID?

    init(calls: SettleCalls, locks: PaymentLocks, method: any PaymentMethod, credential: Credential) {
        self.calls = calls
        self.locks = locks
        self.method = method
        self.credential = credential
        self.machine = SettleCall(credential)
    }

    mutating func end() async -> SettleCall.Ending {
        var action = self.machine.start()
        while true {
            if case .finish(let ending) = action { return ending }
            do throws(StoreError) { action = try await self.carryOut(action) } catch {
                action = self.machine.storeFailed(error)
            }
        }
    }

    private mutating func carryOut(_ action: SettleCall.Action) async throws(StoreError) -> SettleCall.Action {
        let store = self.calls.store
        switch action {
        case .verify:
            return self.machine.verified(await self.method.verify(self.credential, at: self.calls.now))
        case .lookUp(let payment):
            guard await self.acquire(payment) else { return self.machine.waitedTooLong(try await store.record(payment)) }
            return self.machine.known(try await store.record(payment))
        case .claim(let claim):
            guard await self.acquire(claim.id) else { return self.machine.waitedTooLong(try await store.record(claim.id)) }
            return self.machine.claimed(try await store.claim(claim, at: self.calls.now))
        case .settle(let record):
            let outcome = await self.method.settle(record, patience: self.calls.patience)
            guard let settled = try await store.record(record.id) else { throw .defect("payment \(record.id) is gone") }
            return self.machine.settled(outcome, settled)
        case .tell(let record):
            return self.machine.told(try await store.append([.told], to: record.id, at: self.calls.now))
        case .finish:
            preconditionFailure("A finished call has nothing left to do.")
        }
    }

    /// Waits for another call that works on the payment, as long as for a settlement.
    private mutating func acquire(_ payment: PaymentID) async -> Bool {
        let environment = self.calls.environment
        let deadline = environment.monotonic() + self.calls.patience
        while !self.locks.tryAcquire(payment) {
            guard environment.monotonic() < deadline else { return false }
            do { try await environment.sleep(for: .milliseconds(20)) } catch { return false }
        }
        self.held = payment
        return true
    }
}
