// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives

/// What a pursuit asks the chain about one payment.
struct ExactEVMChain {
    /// Nodes limit how many blocks one search for logs may span.
    private static let logRange: UInt64 = 900
    /// EIP-3009's other end of an authorization.
    private static let authorizationCanceledTopic = Keccak256.hash(text: "AuthorizationCanceled(address,bytes32)")

    let payment: ExactEVMPayment
    let transaction: SettlementTransaction
    let unusedAtBlock: UInt64
    let network: ExactEVMNetwork

    func send() async -> SettlementPursuit.SendResult {
        do throws(RPCError) {
            try await self.network.client.send(self.transaction.raw)
            return .accepted
        } catch {
            switch error {
            case .rejected(_, _, .nonceTooLow): return .nonceUsed
            case .rejected, .revert: return .refused(reason: "\(error)")
            case .unavailable: return .unknown(reason: "\(error)")
            }
        }
    }

    func receipt() async -> SettlementPursuit.ReceiptResult {
        guard let hash = Bytes32(hex: self.transaction.hash) else { return .unknown(reason: "the transaction's hash is corrupt") }
        do throws(RPCError) {
            guard let receipt = try await self.network.client.ask(.receipt(of: hash)), try await self.isDeep(receipt) else {
                return .none
            }
            guard receipt.succeeded else { return .reverted(block: receipt.blockNumber) }
            return self.transfer(in: receipt).map { .transferred($0) } ?? .silent
        } catch {
            return .unknown(reason: "\(error)")
        }
    }

    /// What the newest block that counts says of the authorization. All is asked of that one block: between two questions the
    /// chain moves, and a use in a block whose logs were not searched would look like a cancellation.
    ///
    /// - Parameter minimum: The block must be at least this one; a node that is behind is no witness.
    func authorization(asOf minimum: UInt64 = 0) async -> SettlementPursuit.AuthorizationState {
        let authorization = self.payment.authorization
        let state = EIP3009.authorizationStateCalldata(authorizer: authorization.from, nonce: authorization.nonce)
        do throws(RPCError) {
            guard let block = try await self.newestThatCounts(), block.number >= minimum else {
                return .unknown(reason: "the node is behind block \(minimum)")
            }
            let message = CallMessage(to: self.payment.asset, data: state)
            let used = try await self.network.client.ask(.call(message, at: .number(block.number)))
            guard let isUsed = ABI.word(returned: used).map({ $0 != .zero }) else {
                return .unknown(reason: "the token does not answer authorizationState")
            }
            guard isUsed else { return .unused(isExpired: UInt256(block.timestamp) >= authorization.validBefore) }
            switch try await self.use(upTo: block.number) {
            case .transfer(let settlement): return .transferred(settlement)
            case .other: return .used
            case nil where UInt256(block.timestamp) >= authorization.validBefore: return .used
            case nil: return .unknown(reason: "the authorization is used, and no log tells by what")
            }
        } catch {
            return .unknown(reason: "\(error)")
        }
    }

    private func newestThatCounts() async throws(RPCError) -> Block? {
        switch self.network.confirmations {
        case .blocks(let count) where count > 1:
            let head = try await self.network.client.ask(.blockNumber)
            return try await self.network.client.ask(.block(.number(head - min(head, count - 1))))
        case .blocks: return try await self.network.client.ask(.block(.latest))
        case .safe: return try await self.network.client.ask(.block(.safe))
        case .finalized: return try await self.network.client.ask(.block(.finalized))
        }
    }

    private enum Use {
        case transfer(Settlement)
        /// A cancellation, or something that moved no money to the payee.
        case other
    }

    /// What used the authorization, whoever sent it, in a block after the one in whose state it was unused. Nil when no log is
    /// found: a node may have the state of a block before its logs.
    private func use(upTo head: UInt64) async throws(RPCError) -> Use? {
        let authorization = self.payment.authorization
        var first = self.unusedAtBlock + 1
        var found: Use?
        while first <= head {
            let last = min(first + Self.logRange, head)
            let logs = try await self.network.client.ask(
                .logs(
                    LogFilter(
                        addresses: [self.payment.asset],
                        topics: [
                            [EIP3009.authorizationUsedTopic, Self.authorizationCanceledTopic], [authorization.from.word],
                            [authorization.nonce],
                        ],
                        from: .number(first),
                        to: .number(last)
                    )
                )
            )
            for hash in logs.compactMap(\.transactionHash) {
                guard let receipt = try await self.network.client.ask(.receipt(of: hash)), receipt.succeeded else { continue }
                if let settlement = self.transfer(in: receipt) { return .transfer(settlement) }
                found = .other
            }
            first = last + 1
        }
        return found
    }

    /// The Transfer of exactly this payment: token, from, to and value, beside the use of its own authorization. Another payment
    /// between the same two may be in the same transaction, or be named for this one.
    private func transfer(in receipt: TransactionReceipt) -> Settlement? {
        let authorization = self.payment.authorization
        let wanted = ERC20.Transfer(
            token: self.payment.asset,
            from: authorization.from,
            to: authorization.to,
            value: authorization.value
        )
        let used = receipt.logs.firstIndex {
            $0.address == self.payment.asset
                && $0.topics == [EIP3009.authorizationUsedTopic, authorization.from.word, authorization.nonce]
        }
        guard let used else { return nil }
        // EIP-3009 leaves the order of the two events open; the reference and USDC use the authorization first.
        let isWanted = { (log: Log) in ERC20.Transfer(log) == wanted }
        let log = receipt.logs[used...].first(where: isWanted) ?? receipt.logs[..<used].last(where: isWanted)
        return log.map {
            Settlement(transaction: receipt.transactionHash.description, block: receipt.blockNumber, logIndex: $0.logIndex ?? 0)
        }
    }

    private func isDeep(_ receipt: TransactionReceipt) async throws(RPCError) -> Bool {
        switch self.network.confirmations {
        case .blocks(let count) where count <= 1: return true
        case .blocks(let count):
            let head = try await self.network.client.ask(.blockNumber)
            return head + 1 >= receipt.blockNumber + count
        case .safe: return try await self.isAtOrBelow(.safe, receipt)
        case .finalized: return try await self.isAtOrBelow(.finalized, receipt)
        }
    }

    private func isAtOrBelow(_ tag: BlockTag, _ receipt: TransactionReceipt) async throws(RPCError) -> Bool {
        guard let block = try await self.network.client.ask(.block(tag)) else { return false }
        return receipt.blockNumber <= block.number
    }
}
