// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollRuntime

extension ChainWatcher {
    /// A deposit whose transaction no block has had for so long is given up, in seconds: whoever sent it has sent something else
    /// under its number, or nobody keeps it any more.
    private static let patienceSeconds: Int64 = 86_400

    /// What became of deposits that a reorganisation took: most are in another block by now.
    func watchDeposits(_ network: ExactEVMNetwork) async throws(Trouble) {
        var query = PaymentQuery(in: [.unknown], limit: Self.pageSize)
        query.network = network.chain
        while true {
            let page = try await self.read(query)
            for record in page where record.claim.key.isDeposit { try await self.recheck(record, network) }
            guard page.count == query.limit, let last = page.last else { return }
            query.after = PaymentQuery.Cursor(last)
        }
    }

    private func recheck(_ record: PaymentRecord, _ network: ExactEVMNetwork) async throws(Trouble) {
        guard let deposit = DepositTransfer(record.claim) else { return }
        let (receipt, deep, final): (TransactionReceipt?, UInt64, UInt64)
        do throws(RPCError) {
            receipt = try await network.client.ask(.receipt(of: deposit.transaction))
            deep = try await network.newestThatCounts(network.confirmations(for: [record.claim.option]))
            final = try await network.newestFinal()
        } catch {
            throw Trouble(reason: "\(error)")
        }
        if let receipt, let settlement = deposit.settlement(in: receipt) {
            guard receipt.blockNumber <= deep else { return }
            self.log.info("a deposit is back", ["payment": record.id, "block": receipt.blockNumber])
            return try await self.write([.settled(settlement)], to: record.id)
        }
        let reason: String
        if let receipt, receipt.blockNumber <= final {
            reason = receipt.succeeded ? "its transaction moves something else now" : "its transaction reverted"
        } else if receipt == nil, try await self.isGivenUp(record) {
            reason = "no block has had its transaction for a day"
        } else {
            return
        }
        self.log.warning("a deposit is lost", ["payment": record.id, "transaction": deposit.transaction, "reason": reason])
        try await self.write([.failed(PaymentRefusal("deposit_vanished", detail: reason))], to: record.id)
    }

    private func isGivenUp(_ record: PaymentRecord) async throws(Trouble) -> Bool {
        let events: [TimedEvent]
        do throws(StoreError) { events = try await self.store.events(record.id) } catch {
            throw Trouble(reason: "the ledger: \(error.reason)")
        }
        let vanished = events.last { if case .vanished = $0.event { true } else { false } }
        return vanished.map { self.now - $0.time > Self.patienceSeconds } ?? false
    }
}
