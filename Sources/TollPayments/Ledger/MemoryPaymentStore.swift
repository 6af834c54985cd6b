// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The ledger in memory: for tests and for `tollgate mock`. Loses everything when the process ends.
public final class MemoryPaymentStore: PaymentStore {
    private struct Entry {
        var record: PaymentRecord
        var answer: StoredAnswer?
        var events: [TimedEvent]
    }

    private let entries = Mutex<[PaymentID: Entry]>([:])

    /// An empty ledger.
    public init() {}

    public func claim(_ claim: Claim, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        self.entries.withLock { entries in
            let event = TimedEvent(time: time, event: .claimed(claim))
            guard var entry = entries[claim.id] else {
                let record = PaymentRecord(claim, at: time)
                entries[claim.id] = Entry(record: record, answer: nil, events: [event])
                return .first(record)
            }
            guard (try? entry.record.apply(event.event, at: time)) != nil else { return .held(entry.record) }
            entry.answer = nil
            entry.events.append(event)
            entries[claim.id] = entry
            return .first(entry.record)
        }
    }

    @discardableResult
    public func append(_ events: [PaymentEvent], to payment: PaymentID, at time: Int64) async throws(StoreError) -> PaymentRecord
    {
        try self.entries.withLock { entries throws(StoreError) in
            guard var entry = entries[payment] else { throw .defect("no payment \(payment)") }
            for event in events {
                do throws(PaymentRecord.InvalidTransition) { try entry.record.apply(event, at: time) } catch {
                    throw .defect(error.description)
                }
                var kept = event
                if case .answered(let answer) = event {
                    entry.answer = answer
                    kept = .answered(StoredAnswer(status: answer.status, fields: [], body: []))
                }
                if !entry.record.hasAnswer { entry.answer = nil }
                entry.events.append(TimedEvent(time: time, event: kept))
            }
            entries[payment] = entry
            return entry.record
        }
    }

    public func record(_ payment: PaymentID) async throws(StoreError) -> PaymentRecord? {
        self.entries.withLock { $0[payment]?.record }
    }

    public func answer(_ payment: PaymentID) async throws(StoreError) -> StoredAnswer? {
        self.entries.withLock { $0[payment]?.answer }
    }

    public func events(_ payment: PaymentID) async throws(StoreError) -> [TimedEvent] {
        self.entries.withLock { $0[payment]?.events ?? [] }
    }

    public func records(
        in phases: Set<PaymentRecord.Phase>,
        since: Int64,
        limit: Int
    ) async throws(StoreError) -> [PaymentRecord] {
        let chosen = self.entries.withLock { entries in
            entries.values.map(\.record).filter { (phases.isEmpty || phases.contains($0.phase)) && $0.claimedAt >= since }
        }
        return Array(
            chosen.sorted { ($0.claimedAt, $0.id.description) < ($1.claimedAt, $1.id.description) }.prefix(max(0, limit))
        )
    }

    public func pruneAnswers(endedBefore time: Int64) async throws(StoreError) -> Int {
        self.entries.withLock { entries in
            var pruned = 0
            for (id, entry) in entries {
                guard entry.answer != nil, let ended = entry.record.endedAt, ended < time else { continue }
                entries[id]?.answer = nil
                pruned += 1
            }
            return pruned
        }
    }
}
