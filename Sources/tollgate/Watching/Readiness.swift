// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// Whether requests can be paid for now: the ledger answers, every chain does, and signers have gas.
///
/// Asked by probes, scrapes and the page, however often: the chain is asked at most once in ``freshness``, by one of them.
actor Readiness: Service {
    /// What was found.
    struct Standing: Sendable {
        var problems: [String] = []
        var signers: [Signer] = []
    }

    /// A key that pays gas.
    struct Signer: Sendable {
        let network: ChainID
        let address: Address
        /// In gwei (10^-9 ether).
        let balance: UInt64
        /// How long it lasts at the present rate.
        let lasting: GasHistory.Lasting
    }

    /// So old may an answer be: fresh enough for a balancer that probes every few seconds.
    private static let freshness = Duration.seconds(2)
    /// Without anybody asking, so often: what signers spend is seen.
    private static let interval = Duration.seconds(60)

    nonisolated let name = "readiness"
    private let store: any PaymentStore
    private let networks: [ExactEVMNetwork]
    private let environment: Environment
    private var last: (standing: Standing, time: Duration)?
    /// Those who wait for the one that asks; nil while nobody asks.
    private var waiting: [CheckedContinuation<Standing, Never>]?
    private var gas: [String: GasHistory] = [:]

    init(store: any PaymentStore, networks: [ExactEVMNetwork], environment: Environment) {
        self.store = store
        self.networks = networks
        self.environment = environment
    }

    /// Looks now and then until the group stops.
    nonisolated func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    _ = await self.standing()
                    try await self.environment.sleep(for: Self.interval)
                }
            }
        } catch is CancellationError {}
    }

    /// As found at most ``freshness`` ago.
    func standing() async -> Standing {
        if let last = self.last, self.environment.monotonic() - last.time < Self.freshness { return last.standing }
        if self.waiting != nil { return await withCheckedContinuation { self.waiting?.append($0) } }
        self.waiting = []
        let standing = await self.ask()
        self.last = (standing, self.environment.monotonic())
        let waiting = self.waiting ?? []
        self.waiting = nil
        for continuation in waiting { continuation.resume(returning: standing) }
        return standing
    }

    private func ask() async -> Standing {
        var standing = Standing()
        do throws(StoreError) { _ = try await self.store.records(PaymentQuery(since: .max, limit: 1)) } catch {
            standing.problems.append("the ledger does not answer")
        }
        for network in self.networks { await self.ask(network, &standing) }
        return standing
    }

    private func ask(_ network: ExactEVMNetwork, _ standing: inout Standing) async {
        do throws(RPCError) {
            let chain = try await network.client.ask(.chainID)
            guard chain == network.chain.eip155 else {
                standing.problems.append("\(network.chain): the node follows chain \(chain)")
                return
            }
            for signer in network.signers?.addresses ?? [] {
                let balance = try await network.client.ask(.balance(of: signer))
                if balance == .zero { standing.problems.append("\(network.chain): signer \(signer) has no gas") }
                standing.signers.append(self.note(signer, network.chain, balance))
            }
        } catch {
            standing.problems.append("\(network.chain): no node answers")
        }
    }

    private func note(_ address: Address, _ network: ChainID, _ balance: UInt256) -> Signer {
        let (key, now) = ("\(network) \(address)", self.environment.monotonic())
        self.gas[key, default: GasHistory()].note(balance, at: now)
        let history = self.gas[key] ?? GasHistory()
        return Signer(network: network, address: address, balance: history.balance, lasting: history.lasting(at: now))
    }
}
