// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
public import TollPayments
internal import TollPrimitives
public import TollRuntime

/// Looks after payments that have ended: whether the chain still has what it settled, and whether somebody else has used an
/// authorization that was given up here.
///
/// A settlement is looked at until its block has been final for a while; a deposit that a reorganisation took, until it is back
/// or known to be lost. An authorization is looked at once, when it has ended and nobody can use it any more.
public struct ChainWatcher: Service {
    /// How often. A reorganisation is noticed within it.
    private static let interval = Duration.seconds(15)
    /// Payments read from the ledger in one step.
    static let pageSize = 500

    public let name = "chain watcher"
    private let networks: [ExactEVMNetwork]
    let store: any PaymentStore
    let environment: Environment
    let log: Logger
    let blocks = CheckedBlocks()
    let finalBlocks = FinalBlocks()

    /// A watcher of `networks` for the ledger `store`.
    public init(networks: [ExactEVMNetwork], store: any PaymentStore, environment: Environment, log: Logger) {
        self.networks = networks
        self.store = store
        self.environment = environment
        self.log = log
    }

    var now: Int64 { Int64(self.environment.now()) }

    /// Again and again until the group stops. A chain or a ledger that does not answer is asked again the next time.
    public func run() async throws {
        let watcher = self
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    await watcher.watch()
                    try await watcher.environment.sleep(for: Self.interval)
                }
            }
        } catch is CancellationError {}
    }

    /// Looks once.
    func watch() async {
        for network in self.networks {
            do throws(Trouble) {
                try await self.watchSettlements(network)
                try await self.watchDeposits(network)
                try await self.watchAuthorizations(network)
            } catch {
                self.log.warning("the chain is watched later", ["network": network.chain, "reason": error.reason])
            }
        }
    }

    /// The ledger or the chain did not answer.
    struct Trouble: Error {
        let reason: String
    }

    func read(_ query: PaymentQuery) async throws(Trouble) -> [PaymentRecord] {
        do throws(StoreError) { return try await self.store.records(query) } catch {
            throw Trouble(reason: "the ledger: \(error.reason)")
        }
    }

    func mark(_ mark: LedgerMark) async throws(Trouble) -> Int64? {
        do throws(StoreError) { return try await self.store.mark(mark) } catch {
            throw Trouble(reason: "the ledger: \(error.reason)")
        }
    }

    func setMark(_ mark: LedgerMark, to value: Int64) async throws(Trouble) {
        do throws(StoreError) { try await self.store.setMark(mark, to: value) } catch {
            throw Trouble(reason: "the ledger: \(error.reason)")
        }
    }

    /// Writes what was found, unless the payment has moved on meanwhile.
    func write(_ events: [PaymentEvent], to payment: PaymentID) async throws(Trouble) {
        do throws(StoreError) { try await self.store.append(events, to: payment, at: self.now) } catch {
            guard error.isDefect else { throw Trouble(reason: "the ledger: \(error.reason)") }
            self.log.debug("a payment has moved on", ["payment": payment, "reason": error.reason])
        }
    }
}
