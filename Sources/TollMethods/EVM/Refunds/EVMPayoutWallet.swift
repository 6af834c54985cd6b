// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
internal import TollEVM
public import TollPayments
internal import TollPrimitives
public import TollRuntime

/// Pays debts back from a wallet of its own. A refund is on disk, signed, before it is sent (invariant I2), and keeps its
/// number: whoever runs the command again takes it up where it stands.
public struct EVMPayoutWallet: Sendable {
    /// What became of a refund.
    public enum Outcome: Hashable, Sendable {
        /// The Transfer was seen, deep enough.
        case paid(PaymentRecord)
        /// Sent, and not known yet.
        case pending(transaction: String, trouble: String)
        /// It moved nothing and never will; the debt is open again.
        case dropped(reason: String)
    }

    /// No refund may cost more gas than this: a plain transfer of a token takes about 65,000.
    private static let gasLimitMax: UInt64 = 500_000
    /// Between two looks for a receipt.
    private static let interval: Duration = .milliseconds(500)

    private let network: ExactEVMNetwork
    private let store: any PaymentStore
    private let key: PrivateKey
    private let wallet: Address
    private let environment: Environment

    /// The wallet of `key` on `network`.
    public init(network: ExactEVMNetwork, store: any PaymentStore, key: PrivateKey, environment: Environment) {
        self.network = network
        self.store = store
        self.key = key
        self.wallet = key.address
        self.environment = environment
    }

    /// The wallet's address.
    public var address: String { self.wallet.description }

    private var now: Int64 { Int64(self.environment.now()) }

    // MARK: - Signing

    /// Signs the refund of what is owed for `record` and writes it down. Nothing has been sent when this returns.
    ///
    /// - Throws: ``RefundError`` naming what the wallet lacks, or why the token refuses.
    public func sign(_ record: PaymentRecord) async throws -> PaymentRecord {
        let debt = try record.openDebt(at: self.now)
        guard debt.refund == nil else {
            throw RefundError(
                "payment \(record.id): its refund was written for somebody to sign; confirm it with `--confirm`, or `--drop` it")
        }
        try await self.checkEarlier(record)
        let unsigned = try UnsignedRefund(record, units: debt.units)
        let draft = try await self.draft(unsigned, of: record)
        let count = try await self.network.client.ask(.transactionCount(of: self.wallet, at: .pending))
        let account = SignerAccount(network: self.network.chain, address: self.address, chainCount: count)
        let key = self.key
        let records = try await self.store.sign(as: account, at: self.now) { number in
            var transaction = draft
            transaction.nonce = number
            let refund = Refund(
                to: unsigned.payer, units: debt.units, transaction: Self.settlementTransaction(transaction, signedBy: key))
            return [LedgerEntry(record.id, [.refunding(refund)])]
        }
        guard let signed = records.first else { throw RefundError("the ledger wrote nothing for payment \(record.id)") }
        return signed
    }

    /// What was signed before for the same debt, and dropped, must have moved nothing, and must not be able to any more.
    private func checkEarlier(_ record: PaymentRecord) async throws {
        let earlier = try await self.attempts(of: record)
        guard !earlier.isEmpty else { return }
        switch try await self.look(for: earlier, of: record) {
        case .over: return
        case .open:
            throw RefundError("payment \(record.id): an earlier refund of it may still be mined; run this again later")
        case .paid(let settlement):
            throw RefundError(
                "payment \(record.id): \(settlement.transaction) has paid it back; run `tollgate ledger refund --confirm "
                    + "\(record.id) \(settlement.transaction)`")
        }
    }

    private static func settlementTransaction(
        _ transaction: EIP1559Transaction, signedBy key: PrivateKey
    ) -> SettlementTransaction {
        let signed = transaction.signed(by: key)
        return SettlementTransaction(
            hash: signed.hash.description, raw: signed.raw, signer: key.address.description, nonce: transaction.nonce)
    }

    /// The transaction without its number, once it is known that the wallet can pay for it.
    private func draft(_ unsigned: UnsignedRefund, of record: PaymentRecord) async throws -> EIP1559Transaction {
        guard let token = Address(hex: unsigned.to) else { throw RefundError("\(unsigned.to) is no token") }
        let client = self.network.client
        let message = CallMessage(from: self.wallet, to: token, data: unsigned.data)
        let (held, gasMoney) = await client.ask(
            .call(CallMessage(to: token, data: ERC20.balance(of: self.wallet))), .balance(of: self.wallet))
        let units = ABI.integer(returned: try held.get()) ?? .zero
        if let missing = unsigned.units.subtracting(units), missing > .zero {
            let asset = record.claim.option.asset
            let text = { DecimalAmount(units: $0, decimals: asset.decimals).description + " " + asset.symbol }
            throw RefundError(
                "the payout wallet \(self.address) holds \(text(units)) on \(self.network.chain), and the refund is "
                    + "\(text(unsigned.units)): \(text(missing)) are missing")
        }
        let fees = try await self.fees()
        let estimate: UInt64
        do throws(RPCError) { estimate = try await client.ask(.gasEstimate(of: message)) } catch {
            guard case .revert = error else { throw error }
            throw RefundError("the token refuses the refund of payment \(record.id): \(error.revertReason ?? "\(error)")")
        }
        let gasLimit = min(estimate + estimate / 4, Self.gasLimitMax)
        let cost = fees.max.multiplied(by: gasLimit) ?? .max
        if let missing = cost.subtracting(try gasMoney.get()), missing > .zero {
            throw RefundError(
                "the payout wallet \(self.address) cannot pay the gas on \(self.network.chain): up to \(Self.ether(cost)) are "
                    + "needed, and \(Self.ether(missing)) are missing")
        }
        return EIP1559Transaction(
            chainID: unsigned.chainID, nonce: 0, maxPriorityFeePerGas: fees.tip, maxFeePerGas: fees.max, gasLimit: gasLimit,
            to: token, data: unsigned.data)
    }

    private static func ether(_ wei: UInt256) -> String { "\(DecimalAmount(units: wei, decimals: 18)) of the chain's coin" }

    /// Twice the newest base fee and the tip that the node thinks is enough, in wei per gas.
    private func fees() async throws(RPCError) -> (max: UInt256, tip: UInt256) {
        let (block, tip) = await self.network.client.ask(.block(.latest), .maxPriorityFeePerGas)
        let priority = try tip.get()
        guard let base = try block.get()?.baseFeePerGas, let max = base.multiplied(by: 2)?.adding(priority) else {
            throw .unavailable(reason: "the node tells no base fee", mayHaveBeenDelivered: false)
        }
        return (max, priority)
    }

    // MARK: - Sending

    /// Sends the signed refund of `record` and looks for it until the chain has said what became of it, or `patience` ends.
    public func pursue(_ record: PaymentRecord, patience: Duration) async throws -> Outcome {
        guard let refund = record.debt?.refund, let newest = refund.transaction, record.debt?.refunded == nil else {
            throw RefundError("payment \(record.id): no signed refund of it is on its way")
        }
        guard newest.signer.lowercased() == self.address.lowercased() else {
            throw RefundError("the refund of payment \(record.id) was signed by \(newest.signer), whose key is not configured")
        }
        let deadline = self.environment.monotonic() + patience
        var attempts = try await self.attempts(of: record)
        if attempts.count < PaymentRecord.transactionCountMax,
            let better = try await self.replacement(of: newest, among: attempts)
        {
            let dearer = Refund(to: refund.to, units: refund.units, transaction: better)
            let events: [PaymentEvent] = [
                .refundDropped(reason: "replaced by one that pays more for gas"), .refunding(dearer),
            ]
            try await self.store.append(events, to: record.id, at: self.now)
            attempts.append(Attempt(refund: dearer, transaction: better))
        }
        var trouble = "not mined yet"
        while true {
            if let outcome = try await self.conclude(record, &attempts) { return outcome }
            guard let last = attempts.last, self.environment.monotonic() < deadline else {
                return .pending(transaction: attempts.last?.transaction.hash ?? newest.hash, trouble: trouble)
            }
            // The same bytes again do no harm: nodes forget.
            do throws(RPCError) { try await self.network.client.send(last.transaction.raw) } catch { trouble = "\(error)" }
            if let outcome = try await self.conclude(record, &attempts) { return outcome }
            try await self.environment.sleep(for: Self.interval)
        }
    }

    /// A refund that was signed here: it may have been sent.
    private struct Attempt {
        let refund: Refund
        let transaction: SettlementTransaction
    }

    /// Every refund of the payment that was ever signed here, oldest first: any of them may be the one that is mined.
    private func attempts(of record: PaymentRecord) async throws -> [Attempt] {
        try await self.store.events(record.id).compactMap { event in
            guard case .refunding(let refund) = event.event, let transaction = refund.transaction,
                transaction.signer.lowercased() == self.address.lowercased()
            else { return nil }
            return Attempt(refund: refund, transaction: transaction)
        }
    }

    /// A transaction in place of `held` that pays what gas costs now; nil while what it offers is enough, or one is mined.
    private func replacement(
        of held: SettlementTransaction, among attempts: [Attempt]
    ) async throws -> SettlementTransaction? {
        guard var transaction = (try? SignedTransaction(raw: held.raw))?.transaction else { return nil }
        let fees = try await self.fees()
        guard let block = try await self.network.client.ask(.block(.latest)), let base = block.baseFeePerGas,
            base > transaction.maxFeePerGas
        else { return nil }
        for attempt in attempts where attempt.transaction.excludes(held) {
            guard let hash = Bytes32(hex: attempt.transaction.hash),
                try await self.network.client.ask(.receipt(of: hash)) == nil
            else { return nil }
        }
        // Nodes take a replacement that pays an eighth more, tip and all.
        transaction.maxFeePerGas = max(fees.max, Self.raised(transaction.maxFeePerGas))
        transaction.maxPriorityFeePerGas = max(fees.tip, Self.raised(transaction.maxPriorityFeePerGas))
        return Self.settlementTransaction(transaction, signedBy: self.key)
    }

    private static func raised(_ fee: UInt256) -> UInt256 {
        fee.adding(fee.quotientAndRemainder(dividingBy: 8).quotient)?.adding(1) ?? fee
    }

    /// What the chain says of everything that was signed.
    private enum Finding {
        /// Some of it may be mined yet, or is not deep enough.
        case open
        case paid(Settlement)
        /// None of it moved anything, and none ever will.
        case over(reason: String)
    }

    /// The end, when the chain has told it. Nothing ends because a node did not answer (invariant I4).
    private func conclude(_ record: PaymentRecord, _ attempts: inout [Attempt]) async throws -> Outcome? {
        while true {
            switch try await self.look(for: attempts, of: record) {
            case .open: return nil
            case .paid(let settlement):
                return .paid(try await self.store.append([.refunded(settlement)], to: record.id, at: self.now))
            case .over(let reason):
                // Another command may have signed meanwhile. What has used a number up by now was written before it was sent.
                let known = attempts.count
                attempts = try await self.attempts(of: record)
                guard attempts.count > known else { return try await self.drop(record, reason) }
            }
        }
    }

    private func look(for attempts: [Attempt], of record: PaymentRecord) async throws -> Finding {
        let tag = try await self.tagThatCounts()
        var reason = "nothing was signed"
        var isOver = true
        for attempt in attempts {
            guard let hash = Bytes32(hex: attempt.transaction.hash) else { return .open }
            // Counted before the receipt is asked for, and by the same node: what it has mined has one there, while another node
            // may be behind.
            let (count, found) = await self.network.client.ask(
                .transactionCount(of: self.wallet, at: tag), .receipt(of: hash))
            guard let receipt = try found.get() else {
                reason = "another transaction of the wallet has the number \(attempt.transaction.nonce)"
                isOver = try count.get() > attempt.transaction.nonce && isOver
                continue
            }
            guard try await self.network.isDeep(receipt.blockNumber) else { return .open }
            guard receipt.succeeded else {
                reason = "the refund \(hash) reverted"
                continue
            }
            guard let log = receipt.logs.first(where: { self.isTransfer($0, attempt.refund, record) }) else {
                throw RefundError("the refund \(hash) is mined without its Transfer: look at the token before anything else")
            }
            return .paid(
                Settlement(
                    transaction: hash.description, block: receipt.blockNumber, logIndex: log.logIndex ?? 0,
                    blockHash: receipt.blockHash.description))
        }
        return isOver ? .over(reason: reason) : .open
    }

    private func drop(_ record: PaymentRecord, _ reason: String) async throws -> Outcome {
        try await self.store.append([.refundDropped(reason: reason)], to: record.id, at: self.now)
        return .dropped(reason: reason)
    }

    private func isTransfer(_ log: Log, _ refund: Refund, _ record: PaymentRecord) -> Bool {
        guard let transfer = ERC20.Transfer(log) else { return false }
        return transfer.token == Address(hex: record.claim.option.asset.address) && transfer.from == self.wallet
            && transfer.to == Address(hex: refund.to) && transfer.value == refund.units
    }

    /// The newest block in which a number that is used up is so for good.
    private func tagThatCounts() async throws(RPCError) -> BlockTag {
        switch self.network.confirmations {
        case .blocks(let count) where count <= 1: .latest
        case .blocks: .number(try await self.network.newestThatCounts())
        case .safe: .safe
        case .finalized: .finalized
        }
    }
}
