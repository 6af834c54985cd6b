// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Settles payments of one chain in one transaction: `aggregate3` of Multicall3, in which each transfer may fail by itself.
///
/// The batch is tried before it is signed. What would fail is left out and looked at alone; a batch that fails as a whole, tried
/// or mined, is halved, and at last a payment stands alone and is settled without Multicall3, which costs less.
struct BatchSettler: Sendable {
    /// How long one payment alone is waited for: it is pursued further after that.
    private static let patience = Duration.seconds(600)

    let settler: ExactEVMSettler
    let network: ExactEVMNetwork
    let desk: SettlementDesk
    let resting: RestingPayments

    private var now: Int64 { Int64(self.settler.environment.now()) }

    /// What trying a batch shows.
    private enum Trial {
        /// Which would move their money, and which would not.
        case outcomes(good: [DuePayment], bad: [DuePayment])
        /// The batch fails as a whole.
        case whole
        /// There is no Multicall3 on this chain.
        case noBatches
        case unavailable(String)
    }

    /// Settles what can be settled of `records`; returns when all have ended or are left for later.
    func settle(_ records: [PaymentRecord]) async {
        let due = records.compactMap { try? DuePayment($0) }
        for record in records where !due.contains(where: { $0.record.id == record.id }) {
            await self.write(.failed(PaymentRefusal(ErrorReason.invalidPayload.rawValue)), to: record.id)
        }
        guard due.count > 1 else {
            for payment in due { await self.settleAlone(payment) }
            return
        }
        let signer = self.desk.signers.next()
        switch await self.attempt(due, by: signer.address) {
        case .outcomes(let good, let bad):
            for payment in bad { await self.examine(payment) }
            await self.send(good, by: signer)
        case .whole: await self.halve(due)
        case .noBatches: for payment in due { await self.settleAlone(payment) }
        case .unavailable(let reason): self.leave(due, reason)
        }
    }

    private func halve(_ due: [DuePayment]) async {
        let middle = due.count / 2
        for half in [due[..<middle], due[middle...]] where !half.isEmpty { await self.settle(half.map(\.record)) }
    }

    // MARK: - A batch

    private static func calldata(_ due: [DuePayment], mayFail: Bool) -> [UInt8] {
        Multicall3.aggregate3(
            due.map { Multicall3.Call(target: $0.payment.asset, data: $0.payment.transferCalldata, mayFail: mayFail) })
    }

    private func attempt(_ due: [DuePayment], by signer: Address) async -> Trial {
        let message = CallMessage(
            from: signer, to: Multicall3.address, data: Self.calldata(due, mayFail: true), gas: self.network.limits.batchGas)
        do throws(RPCError) {
            let returned = try await self.network.client.ask(.call(message))
            guard let outcomes = Multicall3.outcomes(returned: returned, count: due.count) else { return .noBatches }
            let pairs = zip(due, outcomes)
            return .outcomes(
                good: pairs.filter { $0.1.succeeded }.map(\.0), bad: pairs.filter { !$0.1.succeeded }.map(\.0))
        } catch {
            if case .unavailable = error { return .unavailable("\(error)") }
            return .whole
        }
    }

    /// Signs for all, and pursues the transaction to its end.
    private func send(_ good: [DuePayment], by signer: SignerPool.Signer) async {
        guard good.count > 1 else {
            for payment in good { await self.settleAlone(payment) }
            return
        }
        let gas: UInt64
        do throws(RPCError) { gas = try await self.gas(of: good, by: signer.address) } catch {
            if case .unavailable(let reason, _) = error { return self.leave(good, reason) }
            return await self.halve(good)
        }
        guard gas <= self.network.limits.batchGas else { return await self.halve(good) }
        let draft = SettlementDesk.Draft(
            to: Multicall3.address, data: Self.calldata(good, mayFail: true),
            gasLimit: min(gas + gas / 4, self.network.limits.batchGas))
        do throws(SettlementTrouble) {
            guard !self.settler.table.isFull else { throw .unavailable("too many settlements are under way") }
            let records = try await self.desk.sign(draft, by: signer, for: good.map(\.record.id))
            try await self.pursue(records)
        } catch {
            self.leave(good, "\(error)")
        }
    }

    /// What the batch takes when none of its calls may fail: with calls that may, a node would call any amount enough with which
    /// the others fail one by one.
    private func gas(of due: [DuePayment], by signer: Address) async throws(RPCError) -> UInt64 {
        let message = CallMessage(
            from: signer, to: Multicall3.address, data: Self.calldata(due, mayFail: false), gas: self.network.limits.batchGas)
        return try await self.network.client.ask(.gasEstimate(of: message))
    }

    private func pursue(_ records: [PaymentRecord]) async throws(SettlementTrouble) {
        guard let pursuit = Pursuit(records, on: self.network), self.settler.table.begin(pursuit.number) else { return }
        guard case .over(let returned, let hasReverted) = try await self.settler.pursuer.pursue(pursuit) else { return }
        let open = records.filter { returned.contains($0.id) }
        guard hasReverted, open.count > 1 else {
            for record in open { self.resting.rest(record.id, at: self.now) }
            return
        }
        var current: [DuePayment] = []
        for record in open {
            guard let now = try? await self.settler.store.record(record.id), now.phase == .queued, let due = try? DuePayment(now)
            else { continue }
            current.append(due)
        }
        self.settler.log.warning("a batch reverted and is halved", ["payments": current.count])
        await self.halve(current)
    }

    // MARK: - A payment alone

    /// Without Multicall3. Tried first: the answer is served, and a transfer that fails would cost its gas again and again.
    private func settleAlone(_ due: DuePayment) async {
        let message = CallMessage(
            from: self.desk.signers.addresses.first, to: due.payment.asset, data: due.payment.transferCalldata)
        do throws(RPCError) { _ = try await self.network.client.ask(.call(message)) } catch {
            if case .unavailable(let reason, _) = error { return self.leave([due], reason) }
            return await self.examine(due)
        }
        switch await self.settler.settle(due.record, keeping: [], patience: Self.patience) {
        case .settled: self.resting.forget(due.record.id)
        case .pending, .failed: self.resting.rest(due.record.id, at: self.now)
        case .unavailable(let reason): self.leave([due], reason)
        }
    }

    /// A payment that cannot be made now. The chain says whether it was made already, or never can be.
    private func examine(_ due: DuePayment) async {
        let chain = ExactEVMChain(self.network, confirmations: self.network.confirmations(for: [due.payment.option]))
        switch await chain.authorization(of: due) {
        case .transferred(let settlement): await self.write(.settled(settlement), to: due.record.id)
        case .used:
            await self.fail(due, .nonceAlreadyUsed, "the authorization was cancelled or used without a transfer")
        case .unused(isExpired: true): await self.fail(due, .validBefore, "it expired unsettled")
        case .unused(isExpired: false): self.leave([due], "the transfer would fail now")
        case .unknown(let reason): self.leave([due], reason)
        }
    }

    private func fail(_ due: DuePayment, _ reason: ErrorReason, _ detail: String) async {
        self.settler.log.warning(
            "served, and will not be paid", ["payment": due.record.id, "payer": due.record.claim.payer, "detail": detail])
        await self.write(.failed(PaymentRefusal(reason.rawValue, detail: detail)), to: due.record.id)
    }

    /// Payments that are tried again later, as long as their authorizations live.
    private func leave(_ due: [DuePayment], _ reason: String) {
        self.settler.log.warning("deferred payments are tried again later", ["payments": due.count, "reason": reason])
        for payment in due { self.resting.rest(payment.record.id, at: self.now) }
    }

    private func write(_ event: PaymentEvent, to payment: PaymentID) async {
        do throws(StoreError) {
            try await self.settler.store.append([event], to: payment, at: self.now)
            self.resting.forget(payment)
        } catch {
            self.settler.log.error("the ledger does not take an end", ["payment": payment, "reason": error.reason])
        }
    }
}
