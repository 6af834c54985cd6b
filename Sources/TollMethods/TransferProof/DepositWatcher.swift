// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Looks for transfers to references that are bound by an amount or an address, so that money is known without anybody telling
/// its hash: what is found is deposited as if it had been shown.
struct DepositWatcher: Service {
    /// How often, where somebody is waited for.
    private static let interval = Duration.seconds(5)

    /// So many blocks before the oldest reference a first look begins: another process may have seen the chain a little further
    /// on when it made that one.
    private static let blocksBehind: UInt64 = 256

    let name = "deposit watcher"
    private let method: TransferProofMethod
    private let store: any PaymentStore
    private let environment: Environment
    private let log: Logger

    init(_ method: TransferProofMethod, store: any PaymentStore) {
        self.method = method
        self.store = store
        self.environment = method.environment
        self.log = method.log
    }

    /// Again and again until the group stops. A chain or a ledger that does not answer is asked again the next time.
    func run() async throws {
        let watcher = self
        do {
            try await cancelWhenGracefulShutdown {
                var states: [ChainID: State] = [:]
                while true {
                    for network in watcher.method.networks.values {
                        let chain = network.network.chain
                        states[chain] = await watcher.watch(network, states[chain] ?? .fresh)
                    }
                    try await watcher.environment.sleep(for: Self.interval)
                }
            }
        } catch is CancellationError {}
    }

    /// How far one chain was looked at.
    enum State {
        /// Not yet by this process: another may have stopped where somebody was waited for.
        case fresh
        /// Nobody is waited for, so that nothing is asked of the chain; whoever is next is paid in a later block.
        case idle
        case scanning(LogScan)
    }

    /// Looks once, as far as one step goes.
    func watch(_ network: TransferProofNetwork, _ state: State) async -> State {
        let chain = network.network.chain
        do {
            guard let oldest = try await self.method.references.oldestBound(on: chain, at: self.now) else { return .idle }
            let tokens = Set(network.assets.compactMap { Address(hex: $0.address) })
            var scan = try await self.scan(chain, state, tokens, since: oldest.head)
            let watch = network.watch(tokens)
            let rest = try await watch.advance(&scan) {
                Set(try await self.method.references.boundRecipients(on: chain, at: self.now).compactMap { Address(hex: $0) })
            } deliver: { transfers, mark in
                for transfer in transfers { try await self.take(transfer, on: network) }
                try await self.store.setMark(.watched(chain), to: Int64(clamping: mark.block))
            }
            if case .failed(let reason) = rest { self.log.warning("transfers are looked for later", ["reason": reason]) }
            return .scanning(scan)
        } catch {
            self.log.warning("transfers are looked for later", ["network": chain, "reason": "\(error)"])
            return state
        }
    }

    private var now: Int64 { Int64(self.environment.now()) }

    /// From where this ledger stopped looking, or from the oldest reference on where that is later: nothing before it is for
    /// anybody who is waited for, however long the chain could not be asked.
    private func scan(_ chain: ChainID, _ state: State, _ tokens: Set<Address>, since head: UInt64) async throws -> LogScan {
        if case .scanning(let scan) = state { return scan }
        var start = head - min(head, Self.blocksBehind)
        if case .fresh = state, let mark = try await self.store.mark(.watched(chain)) { start = max(start, UInt64(max(0, mark))) }
        return LogScan(tokens: tokens, after: LogScan.Mark(block: start))
    }

    /// Deposits a transfer for the reference that it is for, if it is for one.
    private func take(_ found: TransferLog, on network: TransferProofNetwork) async throws {
        let chain = network.network.chain
        let reference = try await self.method.references.reference(
            paidBy: found.transfer.value, of: found.transfer.token.description, to: found.transfer.to.description, on: chain,
            at: self.now)
        guard let reference, found.block > reference.head, let id = chain.eip155 else { return }
        let proof = TransferProof.Proof(txHash: found.transaction, chainID: id)
        guard let verdict = await self.method.receive(proof, for: reference, at: self.now) else {
            self.log.info(
                "a transfer has arrived", ["network": chain, "transaction": found.transaction, "route": reference.route])
            return
        }
        switch verdict {
        // It is the chain's last word, or money that is noted already.
        case .refused: return
        // Looked at again: the mark stays where it is.
        case .processing(let reason, let detail): throw StoreError.unavailable("\(reason): \(detail)")
        case .unavailable(let reason): throw StoreError.unavailable(reason)
        }
    }
}
