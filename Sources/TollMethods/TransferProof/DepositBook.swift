// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// Writes down money that has arrived, and counts what there is for a reference.
struct DepositBook: Sendable {
    /// So much later than a reference's end its block may be, in seconds: the sender's clock, and the wait for a block.
    static let lateSeconds: Int64 = 60
    static let dialect = DialectID(TransferProof.name)
    /// The scheme of options that are paid in this way: no other method takes them.
    static let scheme = TransferProof.name

    let store: any PaymentStore

    /// What there is for a reference.
    struct Balance {
        /// Everything that was deposited for it in its asset, the oldest first.
        let deposits: [PaymentRecord]

        /// What can be spent, in the asset's smallest unit.
        var spendable: UInt256 {
            self.deposits.reduce(.zero) { sum, record in
                guard let debt = record.debt, debt.isOpen else { return sum }
                return sum.adding(debt.units) ?? .max
            }
        }

        /// What has arrived and stands, spent or not.
        var received: UInt256 {
            self.deposits.filter { $0.phase == .settled }.reduce(.zero) { $0.adding($1.claim.option.amount) ?? .max }
        }
    }

    func balance(of reference: PaymentReference) async throws(StoreError) -> Balance {
        var query = PaymentQuery(limit: TransferProof.Status.transactionsMax)
        query.depositedFor = reference.hash
        let token = reference.option.asset
        return Balance(
            deposits: try await self.store.records(query).filter {
                $0.claim.option.network == token.network
                    && $0.claim.option.asset.address.lowercased() == token.address.lowercased()
            })
    }

    /// Makes the deposit of one Transfer, unless it is made already; says what stands.
    ///
    /// - Parameters:
    ///   - asset: What was sent.
    ///   - reference: What it was sent for.
    ///   - counts: Whether the reference's call can be bought with it; otherwise it is owed to its sender and buys nothing here.
    func deposit(
        _ arrival: ArrivedTransfer, in reading: ReceiptReading, of asset: Asset, for reference: PaymentReference,
        counts: Bool, reason: String, at time: Int64
    ) async throws(StoreError) -> PaymentRecord {
        let (transfer, receipt) = (arrival.transfer, reading.receipt)
        let key = PaymentKey.deposit(
            network: asset.network, asset: asset.address, payer: transfer.from.description,
            transaction: receipt.transactionHash.description, position: arrival.position)
        let claim = Claim(
            key: key, payer: transfer.from.description,
            option: PaymentOption(
                scheme: Self.scheme, asset: asset, amount: transfer.value, payTo: transfer.to.description,
                maxTimeoutSeconds: reference.option.maxTimeoutSeconds),
            dialect: Self.dialect, policy: .before,
            payload: ["txHash": .string(receipt.transactionHash.description), "position": .integer(arrival.position)],
            route: reference.route, request: RequestIdentity(digest: nil, isRepeatable: false),
            challengeHash: counts ? reference.hash : nil, unusedAtBlock: receipt.blockNumber - min(receipt.blockNumber, 1),
            validBefore: reference.expires + Self.lateSeconds)
        switch try await self.store.deposit(claim, reading.settlement(of: arrival), reason: reason, at: time) {
        case .first(let record), .held(let record), .identifierTaken(let record): return record
        case .notDeferrable(let reason): throw .defect("a deposit is not deferred: \(reason)")
        }
    }
}
