// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollPayments
public import TollRuntime

/// What keeps other processes on a ledger from taking over what this one works on: it says every few seconds that it is there.
///
/// A process that is gone stops saying so, and its work is taken up within ``seconds``. One that could not say so for that long,
/// because it was frozen or the ledger did not answer, has to take itself for dead first: it calls no upstream any more until it
/// has its lease again.
public final class WorkerLease: Service {
    /// How long others leave alone what this process works on, from the last time it said that it is there, in seconds: so long
    /// is what a dead process left not taken up. A few renewals may fail meanwhile.
    public static let seconds: Int64 = 15
    /// How often it says so.
    private static let interval = Duration.seconds(3)
    /// So much earlier than others it takes the lease for ended: their clock may be that much faster.
    private static let margin = Duration.seconds(2)

    public let name = "lease"
    /// The name of this run of this process.
    public let worker: WorkerID
    /// Lets one request at a time work on a payment, whichever of the process's servers it came to.
    let locks = PaymentLocks()
    private let store: (any PaymentStore)?
    private let environment: Environment
    private let log: Logger
    private let state = Mutex(State())

    private struct State {
        var renewedAt: Duration?
        /// How often the lease began anew.
        var term = 0
    }

    /// A lease on the shared ledger `store`, once ``begin()`` has returned.
    ///
    /// - Parameter worker: A name of its own; by default one is drawn.
    public convenience init(on store: any PaymentStore, as worker: WorkerID? = nil, environment: Environment, log: Logger) {
        self.init(worker, store, environment, log)
    }

    /// That of a process that has its ledger for itself: nobody could take anything over.
    ///
    /// - Parameter worker: A name of its own; by default one is drawn.
    public convenience init(as worker: WorkerID? = nil, environment: Environment) {
        self.init(worker, nil, environment, .silent)
    }

    private init(_ worker: WorkerID?, _ store: (any PaymentStore)?, _ environment: Environment, _ log: Logger) {
        self.worker = worker ?? WorkerID(randomBytes: environment.randomBytes(WorkerID.byteCount))
        self.store = store
        self.environment = environment
        self.log = log
    }

    /// The number of the lease, which changes each time it has lapsed; nil when it is not held. Nobody else can have taken over
    /// what was begun under the same number.
    public var term: Int? {
        guard self.store != nil else { return 0 }
        let now = self.environment.monotonic()
        return self.state.withLock { Self.isHeld($0, at: now) ? $0.term : nil }
    }

    private static func isHeld(_ state: State, at now: Duration) -> Bool {
        state.renewedAt.map { now < $0 + .seconds(self.seconds) - self.margin } ?? false
    }

    /// Says for the first time that this process is there: before it claims anything.
    public func begin() async throws(StoreError) { try await self.renew() }

    /// Says so again and again until the group stops, then that it is there no more.
    public func run() async throws {
        guard let store = self.store else { return try await gracefulShutdown() }
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    try await self.environment.sleep(for: Self.interval)
                    do throws(StoreError) { try await self.renew() } catch {
                        self.log.error(
                            "the lease on the ledger could not be renewed", ["reason": error.reason, "held": self.term != nil])
                    }
                }
            }
        } catch is CancellationError {}
        self.state.withLock { $0.renewedAt = nil }
        // Where this fails the lease ends by itself.
        try? await store.renew(self.worker, for: 0, at: Int64(self.environment.now()))
    }

    private func renew() async throws(StoreError) {
        // The lease begins when the ledger gets to know, which is not before now.
        let asked = self.environment.monotonic()
        try await self.store?.renew(self.worker, for: Self.seconds, at: Int64(self.environment.now()))
        let now = self.environment.monotonic()
        self.state.withLock { state in
            if !Self.isHeld(state, at: now) { state.term += 1 }
            state.renewedAt = asked
        }
    }
}
