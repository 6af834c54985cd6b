// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollRuntime

/// What has to be done to the ledger as time goes by: answers are forgotten when nobody may ask for them any more, and references
/// that nobody paid a day after their end; a payment that
/// settled and whose answer never reached anybody becomes a debt (invariant I5), and a claim that a crash left is dropped when
/// its authorization has ended, so that it exposes the seller no longer.
public struct Housekeeping: Service {
    /// How often it is done. Nobody waits for it.
    private static let interval: Duration = .seconds(60)
    /// So much later than the last moment in which an answer may be asked for, in seconds: whoever asks then is not overtaken.
    private static let graceSeconds: Int64 = 120
    /// Payments looked at in one step, so that a large ledger is not held in memory.
    private static let pageSize = 1_000

    public let name = "housekeeping"
    private let store: any PaymentStore
    /// The same ledger, where it keeps references.
    private let references: (any ReferenceStore)?
    private let environment: Environment
    private let log: Logger

    /// Housekeeping of the ledger `store`.
    public init(store: any PaymentStore, environment: Environment, log: Logger) {
        self.store = store
        self.references = store as? any ReferenceStore
        self.environment = environment
        self.log = log
    }

    /// Once a minute until the group stops. A ledger that does not answer is asked again the next time.
    public func run() async throws {
        let housekeeping = self
        do {
            try await cancelWhenGracefulShutdown {
                var unfinishedSince: Int64 = 0
                while true {
                    unfinishedSince = await housekeeping.tidy(since: unfinishedSince)
                    try await housekeeping.environment.sleep(for: Self.interval)
                }
            }
        } catch is CancellationError {}
    }

    /// Does what is due. Payments claimed before `since` are known to be finished; says up to when they are now.
    func tidy(since: Int64) async -> Int64 {
        let now = Int64(self.environment.now())
        let due = now - StoredAnswer.keptSeconds - Self.graceSeconds
        do throws(StoreError) {
            let count = try await self.store.pruneAnswers(endedBefore: due)
            if count > 0 { self.log.debug("answers forgotten", ["count": count]) }
            // What is sent for one so late is nobody's: its amount and its address are another's by now.
            let ended = try await self.references?.pruneReferences(endedBefore: now - PaymentReference.graceSeconds) ?? 0
            if ended > 0 { self.log.debug("references forgotten", ["count": ended]) }
            // Whoever wrote a claim may have had a clock that was ahead; what is younger than `due` is not looked at yet.
            return try await self.review(since: min(since, due), due: due, now: now)
        } catch {
            self.log.error("housekeeping: the ledger does not answer", ["reason": error.reason])
            return since
        }
    }

    private func review(since: Int64, due: Int64, now: Int64) async throws(StoreError) -> Int64 {
        var query = PaymentQuery(
            in: [.claimed, .queued, .signed, .broadcast, .unknown, .settled], since: since, limit: Self.pageSize)
        query.until = due
        var unfinishedSince: Int64?
        while true {
            let page = try await self.store.records(query)
            for record in page where !Self.isFinished(record) {
                if try await !self.finish(record, due: due, now: now) {
                    unfinishedSince = min(unfinishedSince ?? .max, record.claimedAt)
                }
            }
            guard page.count == query.limit, let last = page.last else {
                return unfinishedSince ?? due
            }
            query.after = PaymentQuery.Cursor(last)
        }
    }

    /// Does what is left to be done with a payment, if it is time; says whether it was.
    private func finish(_ record: PaymentRecord, due: Int64, now: Int64) async throws(StoreError) -> Bool {
        switch record.phase {
        case .settled:
            guard let ended = record.endedAt, ended < due else { return false }
            try await self.store.append([.owed(reason: "its answer never reached the client")], to: record.id, at: now)
            self.log.warning(
                "owed: settled and never served",
                ["payment": record.id, "payer": record.claim.payer, "amount": record.claim.option.display]
            )
            return true
        case .claimed:
            // Nothing was signed, and by now nothing can be: whoever claimed it is gone.
            guard max(record.claim.validBefore, record.claimedAt) < due else { return false }
            try await self.store.append([.failed(PaidRequest.interruption)], to: record.id, at: now)
            self.log.warning("dropped: interrupted and never taken up", ["payment": record.id, "payer": record.claim.payer])
            return true
        case .queued, .signed, .broadcast, .unknown, .failed, .released: return false
        }
    }

    /// Whether nothing is left to be done. What a facilitator's caller paid for is not ours to serve; its claim names no route.
    private static func isFinished(_ record: PaymentRecord) -> Bool {
        record.phase == .settled && (record.isServed || record.isOwed || record.claim.route.isEmpty)
    }
}
