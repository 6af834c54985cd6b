// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The outbox of ``MemoryPaymentStore``.
struct MemoryOutbox {
    private struct Entry {
        var notice: Notice
        /// Nil when it has ended.
        var dueAt: Int64?
        var endedAt: Int64?
    }

    /// By name: when they were last named.
    private var endpoints: [String: Int64] = [:]
    private var entries: [Int64: Entry] = [:]
    private var lastNumber: Int64 = 0

    /// Notes what of a payment's new events is to be told; `count` is how many it had before.
    mutating func note(_ events: some Sequence<TimedEvent>, of record: PaymentRecord, after count: Int) {
        guard !self.endpoints.isEmpty else { return }
        for (place, event) in events.enumerated() where Notice.isTold(event.event, of: record.claim) {
            let sequence = Int64(count + place + 1)
            self.add(
                Notice.name(record.id, sequence: sequence), event.event.name, .event(record.id, sequence: sequence),
                at: event.time)
        }
    }

    mutating func add(_ name: String, _ kind: String, _ subject: Notice.Subject, at time: Int64) {
        for endpoint in self.endpoints.keys.sorted() {
            guard !self.entries.values.contains(where: { $0.notice.endpoint == endpoint && $0.notice.name == name }) else {
                continue
            }
            self.lastNumber += 1
            let notice = Notice(
                number: self.lastNumber, endpoint: endpoint, name: name, kind: kind, time: time, subject: subject, attempts: 0)
            self.entries[self.lastNumber] = Entry(notice: notice, dueAt: time)
        }
    }

    mutating func subscribe(_ endpoints: [String], at time: Int64) {
        for endpoint in endpoints { self.endpoints[endpoint] = max(time, self.endpoints[endpoint] ?? .min) }
    }

    mutating func take(of endpoint: String, limit: Int, leaseSeconds: Int64, at time: Int64) -> [Notice] {
        let due = self.entries.values.filter { $0.notice.endpoint == endpoint && ($0.dueAt ?? .max) <= time }
        return due.sorted { ($0.dueAt ?? .max, $0.notice.number) < ($1.dueAt ?? .max, $1.notice.number) }.prefix(max(0, limit))
            .map {
                let old = $0.notice
                let notice = Notice(
                    number: old.number, endpoint: old.endpoint, name: old.name, kind: old.kind, time: old.time,
                    subject: old.subject,
                    attempts: old.attempts + 1)
                self.entries[old.number] = Entry(notice: notice, dueAt: time + leaseSeconds)
                return notice
            }
    }

    mutating func end(_ number: Int64, at time: Int64) {
        self.entries[number]?.dueAt = nil
        self.entries[number]?.endedAt = time
    }

    mutating func postpone(_ number: Int64, until time: Int64) {
        guard self.entries[number]?.dueAt != nil else { return }
        self.entries[number]?.dueAt = time
    }

    mutating func prune(before time: Int64) {
        self.endpoints = self.endpoints.filter { $0.value >= time }
        self.entries = self.entries.filter {
            ($0.value.endedAt ?? .max) >= time && self.endpoints[$0.value.notice.endpoint] != nil
        }
    }
}

extension MemoryPaymentStore: NoticeOutbox {
    public func subscribe(_ endpoints: [String], at time: Int64) async throws(StoreError) {
        self.ledger.withLock { $0.outbox.subscribe(endpoints, at: time) }
    }

    public func post(name: String, kind: String, detail: String, at time: Int64) async throws(StoreError) {
        self.ledger.withLock { $0.outbox.add(name, kind, .other(detail: detail), at: time) }
    }

    public func takeNotices(
        of endpoint: String, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [Notice] {
        self.ledger.withLock { $0.outbox.take(of: endpoint, limit: limit, leaseSeconds: leaseSeconds, at: time) }
    }

    public func endNotice(_ number: Int64, at time: Int64) async throws(StoreError) {
        self.ledger.withLock { $0.outbox.end(number, at: time) }
    }

    public func postponeNotice(_ number: Int64, until time: Int64) async throws(StoreError) {
        self.ledger.withLock { $0.outbox.postpone(number, until: time) }
    }

    public func pruneNotices(before time: Int64) async throws(StoreError) {
        self.ledger.withLock { $0.outbox.prune(before: time) }
    }
}
