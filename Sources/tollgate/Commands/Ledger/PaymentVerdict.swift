// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// One or two sentences on where a payment stands and, where it was not paid, why: the ledger's word and the chain's together.
enum PaymentVerdict {
    /// - Parameter word: The chain's; nil when it was not asked.
    static func text(_ record: PaymentRecord, _ word: EVMPaymentWitness.Word?, now: Int64) -> String {
        let debt = record.claim.key.isDeposit ? self.deposit(record, now: now) : self.debt(record)
        return [self.money(record, word, now: now), self.delivery(record), debt].filter { !$0.isEmpty }
            .joined(separator: " ")
    }

    private static func money(_ record: PaymentRecord, _ word: EVMPaymentWitness.Word?, now: Int64) -> String {
        if record.phase == .settled { return self.settled(record, word) }
        if let transfer = word?.transfer {
            return "The chain has it: its money moved in \(transfer.transaction), block \(transfer.block), and the ledger says "
                + "\(record.phase). The gateway takes that up when it runs."
        }
        return self.unsettled(record, word, now: now)
    }

    private static func settled(_ record: PaymentRecord, _ word: EVMPaymentWitness.Word?) -> String {
        let display = record.claim.option.display
        guard let settlement = record.settlement, !settlement.isCredit else {
            return record.claim.key.boughtReference == nil
                ? "Paid: \(display) out of the payer's credit." : "Paid: \(display) out of what was sent for its reference."
        }
        guard let word else {
            return "Paid, as far as the ledger knows: \(display) in \(settlement.transaction). The chain was not asked."
        }
        guard let transfer = word.transfer else {
            return "The ledger says paid, and the chain has no Transfer of it: a reorganisation took it, or the node is behind. "
                + "The gateway notes that when it runs; `tollgate ledger reconcile` compares everything."
        }
        guard transfer.transaction.lowercased() == settlement.transaction.lowercased() else {
            return "Paid: \(display), on chain by \(transfer.transaction) in block \(transfer.block), where the ledger has "
                + "\(settlement.transaction)."
        }
        let depth = word.confirmations(of: transfer.block)
        let finality =
            word.finalized.map { $0 >= transfer.block ? ", final" : ", not final yet" } ?? ""
        return "Paid: \(display) in block \(transfer.block), \(depth) confirmation\(depth == 1 ? "" : "s")\(finality)."
    }

    private static func unsettled(_ record: PaymentRecord, _ word: EVMPaymentWitness.Word?, now: Int64) -> String {
        let reason = record.failure.map { EventWords(.failed($0)).detail } ?? "the ledger has no reason"
        let ends = CalendarTime.rfc3339(seconds: record.claim.validBefore)
        let isOver = record.claim.validBefore <= now
        let subject = record.claim.key.isDeposit ? "reference" : "authorization"
        let validity = isOver ? "its \(subject) ended at \(ends)" : "its \(subject) is good until \(ends)"
        switch record.phase {
        case .settled: return ""
        case .claimed:
            return isOver
                ? "Not paid: no settlement was signed before its authorization ended at \(ends)."
                : "Not paid yet: the request that claimed it has not got as far as signing a settlement; \(validity)."
        case .queued: return "Not paid yet: it waits to be settled together with others; \(validity)."
        case .signed:
            return "Not paid yet: a settlement is signed, and it is not known that a node took it; \(validity)."
                + self.chainSays(word)
        case .broadcast:
            return "Not paid yet: a node took the settlement, and no block has it; \(validity)." + self.chainSays(word)
        case .unknown: return "Not known yet: \(reason); \(validity)." + self.chainSays(word)
        case .failed: return "Not paid: \(reason)." + self.chainSays(word)
        case .released:
            let left = PaymentRecord.attemptsMax - record.attempts
            let more = left > 0 && !isOver ? " The authorization may be used \(left) more time\(left == 1 ? "" : "s")." : ""
            return "Not charged: \(reason).\(more)"
        }
    }

    private static func chainSays(_ word: EVMPaymentWitness.Word?) -> String {
        guard let word else { return "" }
        let state = word.transactions.last.map { transaction in
            switch transaction.state {
            case .mined(let block): "its transaction is in block \(block) and moved nothing"
            case .reverted(let block): "its transaction reverted in block \(block)"
            case .waiting: "its transaction waits in the pool"
            case .unknown: "the node does not know its transaction"
            }
        }
        let authorization: String? =
            switch word.authorization {
            case .unused(isExpired: true): "the authorization ended unused"
            case .unused(isExpired: false): "the authorization is unused"
            case .used: "the authorization is used or cancelled, and no Transfer of it was found"
            case .unreadable: nil
            }
        let parts = [state, authorization].compactMap { $0 }
        return parts.isEmpty ? "" : " On chain: \(parts.joined(separator: ", "))."
    }

    private static func delivery(_ record: PaymentRecord) -> String {
        if record.claim.dialect == .rebuilt { return "It was found on chain after a restore: what it bought is not known." }
        if record.isUnpaid { return "The answer was served: this is what the seller has lost." }
        if record.isServed { return record.phase == .settled ? "The whole answer reached the client." : "" }
        if record.isTold { return "The caller was told." }
        guard record.phase == .settled, record.debt == nil else { return "" }
        return record.claim.route.isEmpty
            ? "The caller was not told yet: the next `/settle` of it is." : "Its answer has not reached the client yet."
    }

    private static func debt(_ record: PaymentRecord) -> String {
        guard let debt = record.debt else { return "" }
        let asset = record.claim.option.asset
        let text = { (units: UInt256) in "\(DecimalAmount(units: units, decimals: asset.decimals)) \(asset.symbol)" }
        if let refunded = debt.refunded {
            return "Nothing was delivered, and \(text(debt.refund?.units ?? .zero)) were paid back in \(refunded.transaction)."
        }
        if let refund = debt.refund {
            let how = refund.transaction.map { "is signed, \($0.hash)" } ?? "was written for somebody to sign"
            return "Nothing was delivered; a refund of \(text(refund.units)) \(how)."
        }
        return debt.units == .zero
            ? "Nothing was delivered; the payer has spent it as credit."
            : "Nothing was delivered: the payer is owed \(text(debt.units)), to spend as credit or have back by "
                + "`tollgate ledger refund \(record.id.description.prefix(10))`."
    }
    /// Money that somebody sent for a reference.
    private static func deposit(_ record: PaymentRecord, now: Int64) -> String {
        guard let debt = record.debt else { return "" }
        let asset = record.claim.option.asset
        let text = { (units: UInt256) in "\(DecimalAmount(units: units, decimals: asset.decimals)) \(asset.symbol)" }
        if let refunded = debt.refunded {
            return "It was sent for a reference, and \(text(debt.refund?.units ?? .zero)) were paid back in "
                + "\(refunded.transaction)."
        }
        if let refund = debt.refund {
            let how = refund.transaction.map { "is signed, \($0.hash)" } ?? "was written for somebody to sign"
            return "It was sent for a reference; a refund of \(text(refund.units)) \(how)."
        }
        if debt.units == .zero { return "It was sent for a reference and is spent: its events say on which calls." }
        let left =
            "the payer is owed \(text(debt.units)), to spend as credit or have back by "
            + "`tollgate ledger refund \(record.id.description.prefix(10))`."
        guard record.claim.depositedFor != nil else { return "It was sent for a reference and does not count for it: \(left)" }
        guard !record.awaitsCall(at: now) else {
            return "It was sent for a reference: \(text(debt.units)) are kept for its call until "
                + "\(CalendarTime.rfc3339(seconds: record.claim.validBefore))."
        }
        return debt.isSuspended
            ? "It was sent for a reference, and buys nothing until its money is back."
            : "It was sent for a reference that has ended, and this is left of it: \(left)"
    }
}
