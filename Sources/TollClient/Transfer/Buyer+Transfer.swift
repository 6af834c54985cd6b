// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Paying by a transfer of one's own, where a server takes nothing better.
extension Buyer {
    /// Makes the transfer, and gets what it buys.
    func transfer(
        _ candidate: TransferCandidate, _ quote: TransferQuote, at url: URLParts, _ request: PurchaseRequest,
        _ policy: PurchasePolicy, _ deliver: BodySink, _ report: inout PurchaseReport
    ) async throws(PurchaseFailure) {
        report.notices.append("the server takes a transfer and nothing better: it costs gas on top, and cannot be taken back")
        let (payment, hold) = try self.commitTransfer(candidate, quote, at: url, request, policy)
        guard try await self.pursue(payment, hold, request, policy, isFirst: true, deliver, &report) else {
            throw PurchaseFailure(.network, "nothing was paid; the same request again pays anew")
        }
    }

    /// Reserves, signs and records, in this order. Nothing is sent when this returns.
    private func commitTransfer(
        _ candidate: TransferCandidate, _ quote: TransferQuote, at url: URLParts, _ request: PurchaseRequest,
        _ policy: PurchasePolicy
    ) throws(PurchaseFailure) -> (JournaledPayment, Journal.Hold) {
        let now = self.environment.now()
        let instructions = candidate.offer.instructions
        let expires = UInt64(max(0, instructions.expires))
        let terms = JournaledPayment.Terms(
            request: request.digest, method: request.method.token, url: url, dialect: TransferOffer.dialect,
            account: candidate.sender.account, option: candidate.option, cost: candidate.cost,
            validBefore: expires.addingReportingOverflow(TransferMachine.lateSeconds).partialValue, key: request.keyDigest)
        let stalled = try Self.journaled { () throws(JournalError) in
            try self.journal.stalledTransfer(before: terms, next: quote.nextNumber)
        }
        if let stalled {
            throw PurchaseFailure(
                .earlierTransfer,
                "a transfer of \(terms.account) for \(stalled.terms.url) is signed and on its way to no node, and one after it "
                    + "would wait for it: run `toll resume`")
        }
        let id = JournaledTransfer.id(instructions.reference)
        let hold = try self.reserve(terms, id, policy, now)
        let signed = try Self.journaled { () throws(JournalError) in
            try self.journal.sign(hold, instructions, terms, next: quote.nextNumber, at: now) {
                number throws(JournalError) in
                do throws(PaymentSigningError) {
                    return try candidate.sender.sign(candidate.option, quote, number: number)
                } catch {
                    throw JournalError("the transfer cannot be signed: \(error)")
                }
            }
        }
        var payment = JournaledPayment(id: id, time: now, terms: terms, state: .reserved)
        guard payment.apply(.signed(instructions, signed)) else {
            throw PurchaseFailure(.journalUnusable, "the transfer is not what it was signed as")
        }
        return (payment, hold)
    }

    /// Stays at a transfer that is signed until its answer is delivered, or patience ends.
    ///
    /// - Returns: False when it is proven that nothing moved, nor will: the request can be paid anew.
    func pursue(
        _ payment: JournaledPayment, _ hold: Journal.Hold, _ request: PurchaseRequest, _ policy: PurchasePolicy, isFirst: Bool,
        _ deliver: BodySink, _ report: inout PurchaseReport
    ) async throws(PurchaseFailure) -> Bool {
        let terms = payment.terms
        guard let transfer = payment.transfer, let sender = self.senders.first(where: { $0.account == terms.account }) else {
            throw PaidAnswer.unknown("a transfer of \(terms.account) is under way, and the key of that account is not given")
        }
        guard sender.reaches(terms.option.network) else {
            throw PaidAnswer.unknown("a transfer is under way, and no node of \(terms.option.network) is set")
        }
        report.payment = Self.payment(terms.option, terms.account, terms.dialect)
        let pursuit = TransferPursuit(
            payment: payment, hold: hold, journal: self.journal, chain: sender, sender: sender, client: self.client,
            environment: self.environment, tell: self.tell)
        var machine = TransferMachine(
            TransferMachine.Start(
                transfer: transfer, display: terms.option.display, isFirst: isFirst, patience: policy.transferPatience,
                time: self.environment.now()))
        var action = machine.begin()
        while true {
            if case .prove(let transaction) = action {
                report.payment?.transaction = transaction.description
                let proof = sender.proof(of: transaction, for: transfer.instructions.reference, on: terms.option.network)
                let answer = try await self.prove(proof, pursuit, request, deliver, &report)
                action = machine.answered(answer, at: self.environment.now())
            } else if case .finish(let ending) = action {
                return try self.end(ending, pursuit, &report)
            } else if let next = await pursuit.perform(action, &machine) {
                action = next
            }
        }
    }

    private func end(
        _ ending: TransferMachine.Ending, _ pursuit: TransferPursuit, _ report: inout PurchaseReport
    ) throws(PurchaseFailure) -> Bool {
        switch ending {
        case .delivered: return true
        case .failed(let failure): throw failure
        case .open(let reason): throw PaidAnswer.unknown(reason)
        case .arrived: throw PaidAnswer.unknown("the transfer has arrived")
        case .nothingMoved(let reason):
            report.payment = nil
            report.notices.append("the transfer cost nothing but gas: \(reason)")
            try Self.journaled { () throws(JournalError) in
                try self.journal.release(pursuit.hold, reason: reason, at: self.environment.now())
            }
            return false
        }
    }

    /// Shows the transaction, delivers what comes, and records what is final.
    private func prove(
        _ proof: TransferProof.Proof?, _ pursuit: TransferPursuit, _ request: PurchaseRequest, _ deliver: BodySink,
        _ report: inout PurchaseReport
    ) async throws(PurchaseFailure) -> TransferMachine.Answer {
        let terms = pursuit.payment.terms
        guard let proof, let paid = request.request(to: terms.url, adding: (TransferProof.proofFields[0], proof.fieldValue)) else {
            throw PaidAnswer.unknown("the proof cannot be sent")
        }
        self.tell("showing transaction \(proof.txHash) to \(terms.url.origin)")
        let response: ClientResponse
        do throws(HTTPError) { response = try await self.client.send(paid) } catch {
            return .trouble(reason: "no answer: \(error.reason)", retryAfter: nil)
        }
        report.status = response.head.status
        report.fields = response.head.fields
        let body = response.head.status < 400 ? [] : (try? await response.body.collect(upTo: PaidAnswer.bodySizeMax)) ?? []
        let answer = ProofAnswer(response.head, body: body, networks: self.names(of: terms.option.network))
        do {
            switch answer.answer {
            case .delivered: try await Self.pump(response.body, to: deliver)
            case .failed(let failure) where failure.code == .serverError && !body.isEmpty: try await deliver(body)
            case .failed, .refused, .processing, .trouble: return self.recorded(answer, pursuit, &report)
            }
        } catch {
            throw PaidAnswer.unknown("the answer broke off: \(error)")
        }
        return self.recorded(answer, pursuit, &report)
    }

    private func recorded(
        _ answer: ProofAnswer, _ pursuit: TransferPursuit, _ report: inout PurchaseReport
    ) -> TransferMachine.Answer {
        switch answer.answer {
        case .processing, .trouble: break
        case .delivered, .failed, .refused:
            let payment = report.payment
            self.record(answer.paid, report.status ?? 0, pursuit.hold, &report)
            // What a transfer moved has moved, whatever the server says.
            report.payment = payment
            report.notices += answer.paid.notices.filter { $0 != PaidAnswer.noTransaction }
        }
        return answer.answer
    }
}
