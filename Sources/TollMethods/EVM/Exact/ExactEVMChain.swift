// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// A claimed payment with its payload read.
struct DuePayment: Sendable {
    var record: PaymentRecord
    let payment: ExactEVMPayment

    init(_ record: PaymentRecord) throws(PaymentRefusal) {
        // What arrived by itself, and what was bought with it, has no authorization and is nobody's to settle.
        guard record.isExact else { throw PaymentRefusal("invalid_scheme", detail: "no authorization settles it") }
        self.record = record
        self.payment = try ExactEVMPayment(record.claim.payload, option: record.claim.option)
    }
}

/// What settlement asks the nodes of one chain.
struct ExactEVMChain: Sendable {
    /// Nodes limit how many blocks one search for logs may span.
    private static let logRange: UInt64 = 900
    /// EIP-3009's other end of an authorization.
    private static let authorizationCanceledTopic = Keccak256.hash(text: "AuthorizationCanceled(address,bytes32)")

    let network: ExactEVMNetwork
    /// How deep a block must lie before it counts.
    let confirmations: ExactEVMNetwork.Confirmations

    init(_ network: ExactEVMNetwork, confirmations: ExactEVMNetwork.Confirmations? = nil) {
        self.network = network
        self.confirmations = confirmations ?? network.confirmations
    }

    private var client: EVMClient { self.network.client }

    func send(_ raw: [UInt8]) async -> SettlementPursuit.SendResult {
        do throws(RPCError) {
            try await self.client.send(raw)
            return .accepted
        } catch {
            switch error {
            case .rejected(_, _, .nonceTooLow): return .nonceUsed
            case .rejected(_, _, .underpriced), .rejected(_, _, .replacementUnderpriced):
                return .underpriced(reason: "\(error)")
            case .rejected, .revert: return .refused(reason: "\(error)")
            case .unavailable: return .unknown(reason: "\(error)")
            }
        }
    }

    // MARK: - Receipts

    /// Whether one of `transactions` is mined, and what it settled of `payments`.
    func look(
        for transactions: [SettlementTransaction], settling payments: [(PaymentID, ExactEVMPayment)]
    ) async -> SettlementPursuit.Sighting {
        let hashes = transactions.compactMap { Bytes32(hex: $0.hash) }
        guard !hashes.isEmpty, hashes.count == transactions.count else {
            return .unknown(reason: "a hash in the ledger is corrupt")
        }
        let answers = await self.client.ask(all: hashes.map { .receipt(of: $0) })
        do throws(RPCError) {
            var receipt: TransactionReceipt?
            for answer in answers { receipt = try answer.get() ?? receipt }
            guard let receipt else { return .none }
            guard try await self.isDeep(receipt.blockNumber) else { return .shallow }
            return .mined(
                SettlementPursuit.Mined(
                    block: receipt.blockNumber,
                    succeeded: receipt.succeeded,
                    settlements: ReceiptTransfers.settlements(of: payments, in: receipt),
                    blockHash: receipt.blockHash.description
                )
            )
        } catch {
            return .unknown(reason: "\(error)")
        }
    }

    private func isDeep(_ block: UInt64) async throws(RPCError) -> Bool {
        switch self.confirmations {
        case .blocks(let count) where count <= 1: return true
        case .blocks(let count): return try await self.client.ask(.blockNumber) + 1 >= block + count
        case .safe: return try await self.isAtOrBelow(.safe, block)
        case .finalized: return try await self.isAtOrBelow(.finalized, block)
        }
    }

    private func isAtOrBelow(_ tag: BlockTag, _ number: UInt64) async throws(RPCError) -> Bool {
        guard let block = try await self.client.ask(.block(tag)) else { return false }
        return number <= block.number
    }

    // MARK: - Authorizations

    /// The newest block, and the newest that counts.
    struct Heads: Hashable {
        let newest: Block
        let counting: Block
    }

    /// - Parameter minimum: The newest block must be at least this one; a node that is behind is no witness.
    func heads(atLeast minimum: UInt64 = 0) async throws(RPCError) -> Heads {
        switch self.confirmations {
        case .blocks(let count):
            let newest = try Self.present(try await self.client.ask(.block(.latest)), atLeast: minimum)
            guard count > 1 else { return Heads(newest: newest, counting: newest) }
            let number = newest.number - min(newest.number, count - 1)
            return Heads(newest: newest, counting: try Self.present(try await self.client.ask(.block(.number(number)))))
        case .safe: return try await self.heads(counting: .safe, atLeast: minimum)
        case .finalized: return try await self.heads(counting: .finalized, atLeast: minimum)
        }
    }

    private func heads(counting tag: BlockTag, atLeast minimum: UInt64) async throws(RPCError) -> Heads {
        let (newest, counting) = await self.client.ask(.block(.latest), .block(tag))
        return Heads(newest: try Self.present(try newest.get(), atLeast: minimum), counting: try Self.present(try counting.get()))
    }

    private static func present(_ block: Block?, atLeast minimum: UInt64 = 0) throws(RPCError) -> Block {
        guard let block, block.number >= minimum else {
            throw .unavailable(reason: "the node has no such block, or is behind block \(minimum)", mayHaveBeenDelivered: false)
        }
        return block
    }

    /// What the chain says of a signer's number and of payments that its transactions settle, and whether it is the chain in
    /// which `mined` was seen.
    func examine(
        _ number: UInt64, of signer: Address, settling payments: [DuePayment], asOf minimum: UInt64,
        with mined: SettlementPursuit.Mined? = nil
    ) async -> SettlementPursuit.Examination {
        do throws(RPCError) {
            let heads = try await self.heads(atLeast: minimum)
            let (counting, newest) = await self.client.ask(
                .transactionCount(of: signer, at: .number(heads.counting.number)),
                .transactionCount(of: signer, at: .number(heads.newest.number))
            )
            let count = try newest.get()
            // A node that has forgotten the state of the older block shows in time what the receipts show.
            let isNumberUsed = (try? counting.get()).map { $0 > number } ?? false
            let states = await self.authorizations(of: payments, heads)
            // Count and authorizations must be of one state: between the questions another chain may have taken over.
            let (newestAgain, minedBlock) = await self.client.ask(
                .block(.number(heads.newest.number)), .block(.number(mined?.block ?? heads.newest.number)))
            guard try Self.present(try newestAgain.get()).hash == heads.newest.hash else {
                return .unknown(reason: "the chain is being reorganised")
            }
            let minedHash = try minedBlock.get()?.hash.description
            let hasMinedBlock = mined.map { $0.blockHash.isEmpty || $0.blockHash == minedHash } ?? true
            return .known(
                SettlementPursuit.Findings(
                    isNumberUsed: isNumberUsed, count: count, baseFee: heads.newest.baseFeePerGas, authorizations: states,
                    hasMinedBlock: hasMinedBlock))
        } catch {
            return .unknown(reason: "\(error)")
        }
    }

    /// What became of each payment's authorization, by its state in the newest block and by logs up to the one that counts.
    ///
    /// What is unused in the newest block is unused in every earlier one. All is asked of blocks by their numbers: between two
    /// questions the chain moves, and a use in a block whose logs were not searched would look like a cancellation.
    func authorizations(of payments: [DuePayment], _ heads: Heads) async -> [PaymentID: SettlementPursuit.AuthorizationState] {
        let answers = await self.client.ask(
            all: payments.map { due in
                let authorization = due.payment.authorization
                let data = EIP3009.authorizationStateCalldata(authorizer: authorization.from, nonce: authorization.nonce)
                return .call(CallMessage(to: due.payment.asset, data: data), at: .number(heads.newest.number))
            })
        var states: [PaymentID: SettlementPursuit.AuthorizationState] = [:]
        for (due, answer) in zip(payments, answers) { states[due.record.id] = await self.state(of: due, answer, heads) }
        return states
    }

    /// What became of one payment's authorization.
    func authorization(of due: DuePayment) async -> SettlementPursuit.AuthorizationState {
        do throws(RPCError) {
            return await self.authorizations(of: [due], try await self.heads())[due.record.id]
                ?? .unknown(reason: "the chain was not asked")
        } catch {
            return .unknown(reason: "\(error)")
        }
    }

    private func state(
        of due: DuePayment, _ answer: Result<[UInt8], RPCError>, _ heads: Heads
    ) async -> SettlementPursuit.AuthorizationState {
        let isExpired = UInt256(heads.counting.timestamp) >= due.payment.authorization.validBefore
        do throws(RPCError) {
            guard let isUsed = ABI.word(returned: try answer.get()).map({ $0 != .zero }) else {
                return .unknown(reason: "the token does not answer authorizationState")
            }
            guard isUsed else { return .unused(isExpired: isExpired) }
            // Without the block at which it was unused, the search would begin at the chain's first.
            guard due.record.claim.unusedAtBlock > 0 else { return .unknown(reason: "it is not known when it was unused") }
            switch try await self.use(of: due, upTo: heads.counting.number) {
            case .transfer(let settlement): return .transferred(settlement)
            case .other: return .used
            case nil where isExpired: return .used
            case nil: return .unknown(reason: "the authorization is used, and no log that counts tells by what")
            }
        } catch {
            return .unknown(reason: "\(error)")
        }
    }

    private enum Use {
        case transfer(Settlement)
        /// A cancellation, or something that moved no money to the payee.
        case other
    }

    /// What used the authorization, whoever sent it, in a block that counts for the claim. Nil when no log is found: a node may
    /// have the state of a block before its logs.
    private func use(of due: DuePayment, upTo last: UInt64) async throws(RPCError) -> Use? {
        let (payment, authorization) = (due.payment, due.payment.authorization)
        let topics = [
            [EIP3009.authorizationUsedTopic, Self.authorizationCanceledTopic], [authorization.from.word], [authorization.nonce],
        ]
        var first = due.record.claim.firstTransferBlock
        var found: Use?
        while first <= last {
            let end = min(first + Self.logRange, last)
            let filter = LogFilter(addresses: [payment.asset], topics: topics, from: .number(first), to: .number(end))
            // A node that does not have the last block yet finds nothing, and that is no answer.
            let (logs, block) = await self.client.ask(.logs(filter), .block(.number(end)))
            _ = try Self.present(try block.get())
            for hash in try logs.get().compactMap(\.transactionHash) {
                guard let receipt = try await self.client.ask(.receipt(of: hash)), receipt.succeeded else { continue }
                if let settlement = ReceiptTransfers.settlement(of: payment, in: receipt) { return .transfer(settlement) }
                found = .other
            }
            first = end + 1
        }
        return found
    }
}
