// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
public import TollPayments
internal import TollPrimitives

/// What the chain says of one payment of the ledger.
public struct EVMPaymentWitness: Sendable {
    /// The chain's word.
    public struct Word: Hashable, Sendable {
        /// The newest block.
        public var head: UInt64
        /// The newest block that cannot be undone; nil where the node tells none.
        public var finalized: UInt64?
        /// Every transaction of the payment, the refund's among them, in the ledger's order.
        public var transactions: [Transaction] = []
        /// Whether the authorization is used.
        public var authorization: Authorization = .unreadable
        /// The Transfer that used it, whoever sent it.
        public var transfer: Settlement?

        /// An empty word as of `head`.
        public init(head: UInt64, finalized: UInt64? = nil) {
            self.head = head
            self.finalized = finalized
        }

        /// Blocks on top of `block`, its own included.
        public func confirmations(of block: UInt64) -> UInt64 { self.head >= block ? self.head - block + 1 : 0 }
    }

    /// A transaction of the ledger on chain.
    public struct Transaction: Hashable, Sendable {
        /// Where it is.
        public enum State: Hashable, Sendable {
            /// In this block, and run to its end.
            case mined(block: UInt64)
            /// In this block, and reverted: it moved nothing.
            case reverted(block: UInt64)
            /// Known to the node, in no block.
            case waiting
            /// Not known to the node.
            case unknown
        }

        /// Its hash.
        public let hash: String
        /// Where it is.
        public let state: State

        /// A transaction and where it is.
        public init(hash: String, state: State) {
            self.hash = hash
            self.state = state
        }
    }

    /// An authorization in the newest state.
    public enum Authorization: Hashable, Sendable {
        /// Not used. `isExpired` when no later block can use it.
        case unused(isExpired: Bool)
        /// Used, or cancelled.
        case used
        /// The payment has none, or the token does not tell.
        case unreadable
    }

    /// Nodes limit how many blocks one search for logs may span.
    private static let logRange: UInt64 = 900
    /// How many such ranges are searched for a use of which no transaction is known: a day of a chain with a block a second.
    private static let rangeCountMax = 100

    private let network: ExactEVMNetwork

    /// A witness on `network`.
    public init(network: ExactEVMNetwork) {
        self.network = network
    }

    /// Asks about `record`, which is on this network.
    ///
    /// - Throws: ``TollEVM/RPCError``: then nothing is known.
    public func word(on record: PaymentRecord) async throws -> Word {
        let client = self.network.client
        let (newest, finalized) = await client.ask(.block(.latest), .block(.finalized))
        guard let head = try newest.get() else {
            throw RPCError.unavailable(reason: "the node has no newest block", mayHaveBeenDelivered: false)
        }
        var word = Word(head: head.number, finalized: (try? finalized.get())?.number)
        for hash in Self.hashes(of: record) {
            guard let bytes = Bytes32(hex: hash) else { continue }
            let receipt = try await client.ask(.receipt(of: bytes))
            if let receipt, word.transfer == nil { word.transfer = Self.transfer(of: record, in: receipt) }
            word.transactions.append(Transaction(hash: hash, state: try await self.state(bytes, receipt)))
        }
        try await self.readAuthorization(of: record, head, &word)
        return word
    }

    private func state(_ hash: Bytes32, _ receipt: TransactionReceipt?) async throws(RPCError) -> Transaction.State {
        if let receipt {
            return receipt.succeeded ? .mined(block: receipt.blockNumber) : .reverted(block: receipt.blockNumber)
        }
        return try await self.network.client.ask(.transaction(hash)) == nil ? .unknown : .waiting
    }

    private func readAuthorization(of record: PaymentRecord, _ head: Block, _ word: inout Word) async throws {
        let key = record.claim.key
        guard record.settlement?.isCredit != true, let token = Address(hex: key.asset), let payer = Address(hex: key.payer),
            let nonce = Bytes32(hex: key.nonce)
        else { return }
        let state = EIP3009.authorizationStateCalldata(authorizer: payer, nonce: nonce)
        let returned = try await self.network.client.ask(.call(CallMessage(to: token, data: state)))
        guard let isUsed = ABI.word(returned: returned).map({ $0 != .zero }) else { return }
        guard isUsed else {
            word.authorization = .unused(isExpired: Int64(clamping: head.timestamp) >= record.claim.validBefore)
            return
        }
        word.authorization = .used
        if word.transfer == nil { word.transfer = try await self.use(of: record, token, payer, nonce, upTo: head.number) }
    }

    /// A use that none of the ledger's transactions made.
    private func use(
        of record: PaymentRecord, _ token: Address, _ payer: Address, _ nonce: Bytes32, upTo head: UInt64
    ) async throws -> Settlement? {
        var first = record.claim.firstTransferBlock
        for _ in 0..<Self.rangeCountMax where first <= head {
            let last = min(first + Self.logRange, head)
            let logs = try await self.network.client.ask(
                .logs(
                    LogFilter(
                        addresses: [token], topics: [[EIP3009.authorizationUsedTopic], [payer.word], [nonce]],
                        from: .number(first), to: .number(last))))
            for hash in logs.compactMap(\.transactionHash) {
                if let receipt = try await self.network.client.ask(.receipt(of: hash)),
                    let transfer = Self.transfer(of: record, in: receipt)
                {
                    return transfer
                }
            }
            first = last + 1
        }
        return nil
    }

    private static func transfer(of record: PaymentRecord, in receipt: TransactionReceipt) -> Settlement? {
        if record.claim.key.isDeposit { return DepositTransfer(record.claim)?.settlement(in: receipt) }
        let found = AuthorizedTransfer.all(in: receipt).first { $0.key(on: record.claim.key.network) == record.claim.key }
        return found.map { transfer in
            Settlement(
                transaction: receipt.transactionHash.description, block: receipt.blockNumber, logIndex: transfer.logIndex,
                blockHash: receipt.blockHash.description)
        }
    }

    /// Every transaction that the ledger has of a payment, each once.
    private static func hashes(of record: PaymentRecord) -> [String] {
        let all =
            record.transactions.map(\.hash) + [record.claim.key.depositPlace?.transaction].compactMap { $0 }
            + [record.settlement?.transaction].compactMap { $0 }
            + [record.debt?.refund?.transaction?.hash, record.debt?.refunded?.transaction].compactMap { $0 }
        var seen: Set<String> = []
        return all.filter { !$0.isEmpty && seen.insert($0.lowercased()).inserted }
    }
}
