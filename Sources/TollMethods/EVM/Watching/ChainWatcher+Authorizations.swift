// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

extension ChainWatcher {
    /// So much later than an authorization's end it is looked at, in seconds: whoever was at work on its payment has stopped.
    private static let graceSeconds: Int64 = 120
    /// What a chain cannot answer for so long after that is given up, in seconds. A ledger that was never watched is looked at
    /// from so long ago on.
    private static let answerSeconds: Int64 = 86_400

    /// Looks at authorizations that ended unsettled: one that somebody has used all the same has paid us, and what was not
    /// delivered for it is a debt.
    func watchAuthorizations(_ network: ExactEVMNetwork) async throws(Trouble) {
        let chain = ExactEVMChain(network, confirmations: network.deepestConfirmations)
        let heads: ExactEVMChain.Heads
        do throws(RPCError) { heads = try await chain.heads() } catch { throw Trouble(reason: "\(error)") }
        let end = min(self.now, Int64(clamping: heads.counting.timestamp)) - Self.graceSeconds
        let start = try await self.mark(.expired(network.chain)) ?? (end - Self.answerSeconds)
        guard end > start else { return }
        var query = PaymentQuery(in: [.claimed, .failed, .released], limit: Self.pageSize)
        query.network = network.chain
        query.validBefore = start..<end
        var isComplete = true
        while true {
            let page = try await self.read(query)
            let due = page.compactMap { try? DuePayment($0) }
            let states = due.isEmpty ? [:] : await chain.authorizations(of: due, heads)
            for payment in due {
                let isKnown = try await self.judge(payment.record, states[payment.record.id])
                if !isKnown, payment.record.claim.validBefore > end - Self.answerSeconds { isComplete = false }
            }
            guard page.count == query.limit, let last = page.last else { break }
            query.after = PaymentQuery.Cursor(last)
        }
        if isComplete { try await self.setMark(.expired(network.chain), to: end) }
    }

    /// Writes what the chain says of one payment; false when it says nothing.
    private func judge(
        _ record: PaymentRecord, _ state: SettlementPursuit.AuthorizationState?
    ) async throws(Trouble) -> Bool {
        switch state {
        case .transferred(let settlement):
            self.log.warning(
                "somebody else settled a payment that was given up",
                ["payment": record.id, "transaction": settlement.transaction])
            // What a facilitator's caller was paid is not ours to deliver; its claim names no route.
            let isOwed = !record.isServed && !record.claim.route.isEmpty
            try await self.write(
                [.settled(settlement)]
                    + (isOwed ? [.owed(reason: "it was settled by somebody else, and nothing was delivered")] : []),
                to: record.id)
        case .used, .unused:
            guard record.phase == .claimed else { return true }
            let refusal = PaymentRefusal(
                ErrorReason.validBefore.rawValue, detail: "the authorization ended, and nobody settled it")
            try await self.write([.failed(refusal)], to: record.id)
        case .unknown, nil: return false
        }
        return true
    }
}
