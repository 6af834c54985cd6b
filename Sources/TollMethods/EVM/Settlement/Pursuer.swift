// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollRuntime

/// Carries out what a ``SettlementPursuit`` decides: asks the chain, signs replacements, writes to the ledger.
struct Pursuer: Sendable {
    /// What a pursuit came to.
    enum Result: Hashable, Sendable {
        /// The payment that was waited for has ended, or the time is over.
        case outcome(SettlementOutcome)
        /// The payment that was waited for may be signed for anew.
        case returned
        /// The number is used up. With the payments that were returned.
        case over([PaymentID], hasReverted: Bool)
    }

    /// From here on a settlement takes long, and the ledger says how far it is.
    private static let longWait = Duration.seconds(1)

    let desks: [ChainID: SettlementDesk]
    let store: any PaymentStore
    let table: PursuitTable
    let background: BackgroundWork
    let environment: Environment
    let log: Logger
    /// Takes up a payment, that nobody waits for, where its pursuit has ended without an end for it.
    let takeUp: @Sendable (_ payment: PaymentID) async -> Void

    private var now: Int64 { Int64(self.environment.now()) }

    /// Runs a pursuit whose number the table has given. Until it is over; or `payment` has ended or the deadline passed, and then
    /// it goes on in the background.
    func pursue(
        _ begun: Pursuit, awaiting payment: PaymentID? = nil, until deadline: Duration? = nil
    ) async throws(SettlementTrouble) -> Result {
        var pursuit = begun
        var returned: [PaymentID] = []
        var action = pursuit.machine.start()
        do throws(SettlementTrouble) {
            while true {
                pursuit.adopt(self.table.takeJoining(pursuit.number))
                switch action {
                case .conclude(let endings):
                    try await self.write(endings, &pursuit)
                    action = pursuit.machine.concluded()
                    returned += endings.filter(\.isReturn).map(\.payment)
                    guard let ended = endings.first(where: { $0.payment == payment }) else { continue }
                    self.release(pursuit, isOver: action == .finish)
                    return ended.outcome(of: pursuit.newest.hash).map { .outcome($0) } ?? .returned
                case .wait(let duration):
                    if duration >= Self.longWait { try await self.note(&pursuit) }
                    if let deadline, self.environment.monotonic() + duration > deadline { return try await self.leave(pursuit) }
                    do { try await self.environment.sleep(for: duration) } catch {
                        self.table.end(pursuit.number)
                        return .outcome(.pending(transaction: pursuit.newest.hash))
                    }
                    action = pursuit.machine.waited()
                case .finish:
                    self.table.end(pursuit.number)
                    return .over(returned, hasReverted: pursuit.machine.hasReverted)
                case .send, .look, .examine, .replace, .fillGap: action = await self.perform(action, &pursuit)
                }
            }
        } catch {
            // What is in the ledger will be taken up from there.
            self.table.end(pursuit.number)
            throw error
        }
    }

    /// Goes on with a pursuit that nobody waits for.
    func pursueInBackground(_ pursuit: Pursuit) {
        self.table.leave(pursuit.number)
        self.background.start {
            guard self.table.begin(pursuit.number) else { return }
            var pursuit = pursuit
            if !pursuit.payments.isEmpty {
                guard let current = await self.reloaded(pursuit) else { return self.table.end(pursuit.number) }
                pursuit = current
            }
            guard case .over(let returned, _) = try? await self.pursue(pursuit) else { return }
            for payment in returned { await self.takeUp(payment) }
        }
    }

    /// As the ledger has it now: a request may have been at it meanwhile. Nil when there is nothing left to pursue.
    private func reloaded(_ pursuit: Pursuit) async -> Pursuit? {
        var records: [PaymentRecord] = []
        for due in pursuit.payments {
            guard let record = try? await self.store.record(due.record.id), record.isUnderWay,
                record.pursuedNumber == pursuit.number
            else { continue }
            records.append(record)
        }
        return Pursuit(records, on: pursuit.chain.network)
    }

    // MARK: - The chain

    private func perform(_ action: SettlementPursuit.Action, _ pursuit: inout Pursuit) async -> SettlementPursuit.Action {
        switch action {
        case .send:
            let result = await pursuit.chain.send(pursuit.newest.raw)
            self.note(result, pursuit)
            return pursuit.machine.sent(result)
        case .look:
            let payments = pursuit.payments.map { ($0.record.id, $0.payment) }
            return pursuit.machine.looked(await pursuit.chain.look(for: pursuit.transactions, settling: payments))
        case .examine(let block):
            let findings = await pursuit.chain.examine(
                pursuit.number.number, of: pursuit.signer, settling: pursuit.payments, asOf: block,
                with: pursuit.machine.mined)
            return pursuit.machine.examined(findings)
        case .replace(let isVoid): return pursuit.machine.replaced(await self.replace(&pursuit, isVoid: isVoid))
        case .fillGap(let number):
            await self.fillGap(number, pursuit)
            return pursuit.machine.gapFilled()
        case .conclude, .wait, .finish: return action
        }
    }

    /// What sending says about the account.
    private func note(_ result: SettlementPursuit.SendResult, _ pursuit: Pursuit) {
        guard let signers = pursuit.chain.network.signers else { return }
        switch result {
        case .accepted: signers.note(pursuit.signer, isFunded: true)
        case .nonceUsed: signers.forgetCount(of: pursuit.signer)
        case .refused(let reason) where reason.contains("insufficientFunds"):
            signers.note(pursuit.signer, isFunded: false)
            self.log.error("a signer has no money for gas", ["network": pursuit.number.chain, "signer": pursuit.signer])
        case .underpriced, .refused, .unknown: break
        }
    }

    private func replace(_ pursuit: inout Pursuit, isVoid: Bool) async -> SettlementPursuit.Replacement {
        guard let desk = self.desks[pursuit.number.chain] else { return .impossible(reason: "no signer") }
        guard pursuit.transactions.count < PaymentRecord.transactionCountMax else {
            return .impossible(reason: "it was replaced \(pursuit.transactions.count) times")
        }
        do throws(SettlementTrouble) {
            let transaction = try await desk.replacement(of: pursuit.newest, isVoid: isVoid)
            // A payment that has ended needs it no more than the signer's later transactions do.
            let entries = pursuit.payments.map { LedgerEntry($0.record.id, [.signed(transaction)]) }
            if !entries.isEmpty { pursuit.update(try await self.append(entries)) }
            pursuit.transactions.append(transaction)
            self.log.warning(
                isVoid ? "a number is used up by an empty transaction" : "a settlement is sent again with a higher fee",
                ["network": pursuit.number.chain, "signer": pursuit.signer, "number": pursuit.number.number])
            return .signed(maxFeePerGas: transaction.maxFeePerGas ?? .zero, isVoid: isVoid)
        } catch {
            return .impossible(reason: "\(error)")
        }
    }

    private func fillGap(_ number: UInt64, _ pursuit: Pursuit) async {
        let lower = PursuitTable.Number(chain: pursuit.number.chain, signer: pursuit.number.signer, number: number)
        guard !self.table.knows(lower), let desk = self.desks[lower.chain] else { return }
        self.log.warning(
            "a number that nothing was signed for is used up by an empty transaction",
            ["network": lower.chain, "signer": lower.signer, "number": number])
        do throws(SettlementTrouble) { try await desk.fillGap(number, of: pursuit.signer) } catch {
            self.log.error("a gap stops a signer", ["signer": lower.signer, "number": number, "reason": "\(error)"])
        }
    }

    // MARK: - Leaving

    /// The client has waited long enough; the transaction is pursued on.
    private func leave(_ left: Pursuit) async throws(SettlementTrouble) -> Result {
        var pursuit = left
        try await self.note(&pursuit)
        self.pursueInBackground(pursuit)
        return .outcome(.pending(transaction: pursuit.newest.hash))
    }

    private func release(_ pursuit: Pursuit, isOver: Bool) {
        if isOver { self.table.end(pursuit.number) } else { self.pursueInBackground(pursuit) }
    }

    /// The ledger learns how far a settlement is that takes long.
    private func note(_ pursuit: inout Pursuit) async throws(SettlementTrouble) {
        guard !pursuit.isNoted else { return }
        pursuit.isNoted = true
        let trouble = pursuit.machine.lastTrouble
        self.log.warning(
            "settlement takes long",
            [
                "transaction": pursuit.newest.hash, "payments": pursuit.payments.count,
                "trouble": trouble ?? "not mined yet",
            ])
        let event = pursuit.machine.wasAccepted ? PaymentEvent.broadcast : .unknown(reason: trouble ?? "not accepted yet")
        let entries = pursuit.payments.filter { $0.record.phase == .signed }.map { LedgerEntry($0.record.id, [event]) }
        if !entries.isEmpty { pursuit.update(try await self.append(entries)) }
    }

    // MARK: - The ledger

    private func append(_ entries: [LedgerEntry]) async throws(SettlementTrouble) -> [PaymentRecord] {
        do throws(StoreError) { return try await self.store.append(entries, at: self.now) } catch {
            throw .unavailable("the ledger: \(error.reason)")
        }
    }

    /// Writes how payments ended, unless somebody else has.
    private func write(_ endings: [SettlementPursuit.Ending], _ pursuit: inout Pursuit) async throws(SettlementTrouble) {
        let ended = Set(endings.map(\.payment))
        let records = Dictionary(pursuit.payments.map { ($0.record.id, $0.record) }) { first, _ in first }
        let entries = endings.map { ending in
            let record = records[ending.payment]
            let sent: [PaymentEvent] = record?.phase == .signed && pursuit.machine.wasAccepted ? [.broadcast] : []
            return LedgerEntry(ending.payment, sent + [ending.event(of: record?.transaction ?? pursuit.newest)])
        }
        defer { pursuit.payments.removeAll { ended.contains($0.record.id) } }
        do throws(StoreError) { try await self.store.append(entries, at: self.now) } catch {
            guard error.isDefect else { throw .unavailable("the ledger: \(error.reason)") }
            for entry in entries { try await self.writeAlone(entry, under: pursuit.number) }
        }
        for ending in endings {
            guard case .failed(let refusal) = ending.verdict else { continue }
            self.log.warning(
                "settlement failed", ["payment": ending.payment, "reason": refusal.reason, "detail": refusal.detail])
        }
    }

    private func writeAlone(_ entry: LedgerEntry, under number: PursuitTable.Number) async throws(SettlementTrouble) {
        do throws(StoreError) { try await self.store.append([entry], at: self.now) } catch {
            let current = try? await self.store.record(entry.payment)
            // It has ended, or another process has signed anew.
            if error.isDefect, let current, !current.isUnderWay || current.pursuedNumber != number { return }
            // The pursuit may not know that it is known to have been sent.
            if error.isDefect, entry.events.count > 1, let last = entry.events.last {
                return try await self.writeAlone(LedgerEntry(entry.payment, [last]), under: number)
            }
            throw .unavailable("the ledger: \(error.reason)")
        }
    }
}

extension SettlementPursuit.Ending {
    var isReturn: Bool { if case .returned = self.verdict { true } else { false } }

    /// As the ledger writes it, of a payment whose newest transaction this is.
    func event(of newest: SettlementTransaction) -> PaymentEvent {
        switch self.verdict {
        case .settled(let settlement): .settled(settlement)
        case .failed(let refusal): .failed(refusal)
        case .returned(let reason): .returned(reason: reason, transaction: newest.hash)
        }
    }

    /// As whoever waits is told; nil when the payment goes on.
    func outcome(of transaction: String) -> SettlementOutcome? {
        switch self.verdict {
        case .settled(let settlement): .settled(settlement)
        case .failed(let refusal): .failed(refusal, transaction: transaction)
        case .returned: nil
        }
    }
}
