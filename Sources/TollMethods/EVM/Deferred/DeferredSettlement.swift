// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments
internal import TollPrimitives
public import TollRuntime

/// Settles what was served before it was paid: the authorization that ends first first, in batches, and all of it when the
/// process is asked to stop.
public struct DeferredSettlement: Service {
    /// How often the queue is looked at.
    private static let interval = Duration.seconds(1)
    /// The same while the process stops.
    private static let flushInterval = Duration.milliseconds(200)
    /// Longer than trying and signing a batch takes, in seconds. After that a payment is anybody's again.
    private static let leaseSeconds: Int64 = 30
    /// Batches of a chain in work at once: one signer's are mined one by one anyway.
    private static let batchCountMax = 16

    /// Batches in work.
    private final class Progress: Sendable {
        private let counts = Mutex<[ChainID: Int]>([:])

        var total: Int { self.counts.withLock { $0.values.reduce(0, +) } }

        func begin(_ chain: ChainID) -> Bool {
            self.counts.withLock { counts in
                guard counts[chain] ?? 0 < DeferredSettlement.batchCountMax else { return false }
                counts[chain, default: 0] += 1
                return true
            }
        }

        func end(_ chain: ChainID) { self.counts.withLock { $0[chain, default: 1] -= 1 } }
    }

    public let name = "deferred settlement"
    private let settler: ExactEVMSettler
    private let terms: BatchTerms
    private let resting = RestingPayments()
    private let progress = Progress()

    init(_ settler: ExactEVMSettler, terms: BatchTerms) {
        self.settler = settler
        self.terms = terms
    }

    private var environment: Environment { self.settler.environment }
    private var now: Int64 { Int64(self.environment.now()) }

    /// Until the group stops; then settles what waits, for as long as the terms allow.
    public func run() async throws {
        let service = self
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    await service.settleDue()
                    try await service.environment.sleep(for: Self.interval)
                }
            }
        } catch is CancellationError {}
        await self.flush()
    }

    /// Begins every batch that is due, in the background.
    func settleDue() async {
        await self.forEachChain { network, batch throws(StoreError) in
            while try await self.isDue(network), try await self.begin(batch) > 0 {}
        }
    }

    /// Settles all that waits, within ``BatchTerms/flushTime``.
    func flush() async {
        let deadline = self.environment.monotonic() + self.terms.flushTime
        var count = 0
        while self.environment.monotonic() < deadline, !Task.isCancelled {
            let begun = Mutex(0)
            await self.forEachChain { _, batch throws(StoreError) in
                let more = try await self.begin(batch)
                begun.withLock { $0 += more }
            }
            let more = begun.withLock { $0 }
            count += more
            if more > 0 { self.settler.log.info("settling what is deferred before stopping", ["payments": count]) }
            guard more > 0 || self.progress.total > 0 else { break }
            do { try await self.environment.sleep(for: Self.flushInterval) } catch { break }
        }
        guard count > 0 || self.progress.total > 0 else { return }
        self.settler.log.info("deferred payments sent", ["payments": count, "batches under way": self.progress.total])
    }

    private func forEachChain(_ body: (ExactEVMNetwork, BatchSettler) async throws(StoreError) -> Void) async {
        for (chain, desk) in self.settler.desks {
            guard let network = self.settler.networks[chain] else { continue }
            let batch = BatchSettler(settler: self.settler, network: network, desk: desk, resting: self.resting)
            do throws(StoreError) { try await body(network, batch) } catch {
                self.settler.log.error("deferred settlement: the ledger does not answer", ["reason": error.reason])
            }
        }
    }

    private func isDue(_ network: ExactEVMNetwork) async throws(StoreError) -> Bool {
        var query = PaymentQuery(in: [.queued], limit: self.terms.size + 1)
        query.network = network.chain
        let time = self.now
        let waiting = try await self.settler.store.terms(query).filter { !self.resting.isResting($0.payment, at: time) }
        return !waiting.isEmpty && self.terms.isDue(waiting, at: time)
    }

    /// Takes one batch from the queue and begins it; says of how many payments.
    private func begin(_ batch: BatchSettler) async throws(StoreError) -> Int {
        guard self.progress.begin(batch.network.chain) else { return 0 }
        let time = self.now
        let records: [PaymentRecord]
        do throws(StoreError) {
            let taken = try await self.settler.store.takeWork(
                in: [.queued], on: batch.network.chain, limit: self.terms.size, leaseSeconds: Self.leaseSeconds, at: time)
            records = taken.filter { !self.resting.isResting($0.id, at: time) }
        } catch {
            self.progress.end(batch.network.chain)
            throw error
        }
        guard !records.isEmpty else {
            self.progress.end(batch.network.chain)
            return 0
        }
        self.settler.background.start { [progress] in
            await batch.settle(records)
            progress.end(batch.network.chain)
        }
        return records.count
    }
}
