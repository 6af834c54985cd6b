// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollRuntime

extension PaidCall {
    /// Answers the client as the machine decided, and notes in the ledger when a paid answer was written whole.
    func deliver(_ ending: PaidRequest.Ending, _ responder: consuming Responder) async {
        self.logEnd(ending)
        let (proxy, head) = (self.shared.proxy, self.request.head)
        switch ending {
        case .deliver(let record): await self.deliverPaid(record, responder)
        case .replay(let record): await self.replay(record, responder)
        case .deliverUncharged: await self.deliverHeld([], responder)
        case .refuse(let refusal, _), .processing(let refusal):
            await self.challenge(refusal, receipt: nil, responder)
        case .settlementFailed(let refusal, let transaction, let payer):
            let receipt = self.failure(refusal.reason, transaction, payer: payer)
            await self.challenge(refusal, receipt: receipt, responder)
        case .alreadyUsed(let transaction):
            await proxy.refuse(
                .alreadyUsed(transaction), head, receipt: self.receipts(self.failure("already_used", transaction)), responder)
        case .usedUp:
            await proxy.refuse(
                .usedUp, head, receipt: self.receipts(self.failure("already_used", nil)), responder)
        case .identifierTaken: await proxy.refuse(.identifierConflict, head, responder)
        case .denied: await proxy.refuse(.payerDenied, head, responder)
        case .insufficientCredit:
            let page = BrowserPage.isWanted(by: head) ? BrowserPage(offer: self.route.offer(forPath: head.path)).html : nil
            let offer = self.route.offer(forPath: head.path)
            await proxy.challenge(
                self.route, offer, head, ChallengeOccasion(client: self.request.clientIP), receipt: nil, page: page, responder)
        case .outcomeUnknown(nil): await proxy.refuse(.outcomeUnknown, head, responder)
        case .outcomeUnknown(let debt?):
            await proxy.refuse(.outcomeUnknownPaid, head, receipt: self.success(debt), responder) {
                $0.append("Tollgate-Debt", debt.id.description)
            }
        case .pending(let payment, let transaction): await self.deliverPending(payment, transaction, responder)
        case .unavailable: await proxy.refuse(.unavailable, head, responder)
        case .rateLimited: await proxy.refuse(.rateLimited(proxy.rates.retryAfterSeconds), head, responder)
        case .upstreamFailed(let failure, nil):
            await proxy.refuse(.upstream(failure.kind, retryAfter: self.upstream.retryAfterSeconds), head, responder)
        case .upstreamFailed(_, let debt?):
            await proxy.refuse(.upstreamFailed, head, receipt: self.success(debt), responder) {
                $0.append("Tollgate-Debt", debt.id.description)
            }
        case .requestBroken(let fault, let paid):
            let receipt = paid.map(self.success) ?? []
            let isDelivered = await proxy.refuse(.request(fault), head, receipt: receipt, responder)
            if let paid { await self.note(paid, isDelivered: isDelivered) }
        }
    }

    /// Asks again, with the reason why what was presented is not it, or not yet.
    private func challenge(_ refusal: PaymentRefusal, receipt: Receipt?, _ responder: consuming Responder) async {
        let head = self.request.head
        await self.shared.proxy.challenge(
            self.route, self.route.offer(forPath: head.path), head,
            ChallengeOccasion(client: self.request.clientIP, refused: self.credential, refusal: refusal),
            receipt: receipt, page: nil, responder)
    }

    private func deliverPending(_ payment: PaymentID, _ transaction: String?, _ responder: consuming Responder) async {
        let problem: GatewayProblem =
            Claimant(self.credential, signedIn: self.signedIn).hasSecret
            ? .settlementPending(payment.description) : .settlementPendingWithoutSecret(payment.description)
        let receipt = self.receipts(self.failure("settlement_pending", transaction))
        await self.shared.proxy.refuse(problem, self.request.head, receipt: receipt, responder)
    }

    private func deliverPaid(_ record: PaymentRecord, _ responder: consuming Responder) async {
        let delivery = await self.deliverHeld(self.grant(record, receipt: self.success(record)), responder)
        if case .cutShort(let reason) = delivery, record.claim.policy == .deferred, record.phase == .claimed {
            // Nothing was charged yet, and nothing will be for half an answer.
            await self.append([.released(reason: "the upstream's answer broke off: \(reason)")], to: record)
        } else {
            await self.note(record, isDelivered: delivery.isWhole)
        }
    }

    private func replay(_ record: PaymentRecord, _ responder: consuming Responder) async {
        let (proxy, request) = (self.shared.proxy, self.request.head)
        guard let answer = try? await self.shared.answers.answer(of: record, at: self.now)?.response else {
            await proxy.refuse(
                .alreadyUsed(record.settlement?.transaction), request, receipt: self.success(record), responder)
            return
        }
        let receipt = self.grant(record, receipt: self.success(record))
        let isDelivered =
            request.method == .head
            ? await proxy.relay(answer, from: self.upstream.settings, request, receipt: receipt, responder).isWhole
            : await proxy.send(answer.head, body: answer.body.whole ?? [], request, receipt: receipt, responder)
        await self.note(record, isDelivered: isDelivered)
    }

    @discardableResult
    private func deliverHeld(
        _ receipt: [(name: String, value: String)], _ responder: consuming Responder
    ) async -> Proxy.Delivery {
        let (proxy, request) = (self.shared.proxy, self.request.head)
        guard let answer = self.answer else { preconditionFailure("An answer is delivered that nobody holds.") }
        // HEAD goes the streaming way for its `Content-Length`, which is not the length of what is sent.
        guard let whole = answer.whole, request.method != .head else {
            self.request.client.whenGone { [audience] in audience.markGone() }
            return await proxy.relay(answer.response, from: self.upstream.settings, request, receipt: receipt, responder)
        }
        let head = proxy.forwarding.response(answer.head, from: self.upstream.settings)
        return await proxy.send(head, body: whole, request, receipt: receipt, responder) ? .whole : .unread
    }

    /// What became of a paid answer, once the client has it or is gone: nobody waits for this.
    private func note(_ record: PaymentRecord, isDelivered: Bool) async {
        var events: [PaymentEvent] = []
        if record.claim.policy == .deferred, record.phase == .claimed { events.append(.queued) }
        if isDelivered, !record.isServed { events.append(.served) }
        await self.append(events, to: record)
    }

    private func append(_ events: [PaymentEvent], to record: PaymentRecord) async {
        guard !events.isEmpty else { return }
        do throws(StoreError) { try await self.shared.store.append(events, to: record.id, at: self.now) } catch {
            self.shared.log.error("a served payment could not be noted", ["payment": record.id, "reason": error.reason])
        }
    }

    /// Of a payment that is served before it is settled there is no transaction yet.
    private func success(_ record: PaymentRecord) -> [(name: String, value: String)] {
        self.receipts(.success(record.settlement, for: record.claim))
    }

    private func failure(_ reason: String, _ transaction: String?, payer: String? = nil) -> Receipt {
        .failure(reason, transaction: transaction, network: self.credential.option.network, payer: payer)
    }

    /// In the words of the dialect that the credential came in; that of a sign-in, which is none, in those of the dialect that
    /// takes sign-ins.
    private func receipts(_ receipt: Receipt) -> [(name: String, value: String)] {
        let isCredit = self.credential.dialect == .credit
        let dialect = self.route.dialects.first { isCredit ? !$0.signInFields.isEmpty : $0.id == self.credential.dialect }
        return dialect?.receipt(receipt) ?? []
    }

    private func logEnd(_ ending: PaidRequest.Ending) {
        let log = self.shared.log.with([
            "route": self.route.pattern, "client": self.request.clientIP, "dialect": self.credential.dialect,
            "amount": self.credential.option.display,
        ])
        switch ending {
        case .deliver(let record), .replay(let record):
            log.info(
                "paid",
                [
                    "payment": record.id, "payer": record.claim.payer,
                    "transaction": record.claim.shownTransaction ?? record.settlement?.transaction ?? "",
                ])
        case .deliverUncharged: log.info("not charged", ["status": self.answer?.head.status ?? 0])
        case .refuse(let refusal, let payer):
            log.info("payment refused", ["reason": refusal.reason, "detail": refusal.detail, "payer": payer ?? ""])
        case .processing(let state): log.info("payment on its way", ["reason": state.reason, "detail": state.detail])
        case .settlementFailed(let refusal, let transaction, let payer):
            log.warning(
                "settlement failed",
                ["reason": refusal.reason, "detail": refusal.detail, "transaction": transaction ?? "", "payer": payer])
        case .alreadyUsed(let transaction): log.info("payment used before", ["transaction": transaction ?? ""])
        case .usedUp: log.info("no call is left under the payment")
        case .identifierTaken(let payment): log.info("payment identifier names another payment", ["payment": payment])
        case .insufficientCredit: log.info("not enough credit")
        case .denied: break  // Told where it was found out.
        case .outcomeUnknown(let debt): log.warning("call interrupted", ["debt": debt?.id.description ?? ""])
        case .pending(let payment, let transaction):
            log.warning("settlement pending", ["payment": payment, "transaction": transaction ?? ""])
        case .rateLimited(let payer): log.info("payer over a limit", ["payer": payer])
        case .unavailable(let reason): log.error("payments unavailable", ["reason": reason])
        case .requestBroken(let fault, let paid):
            log.info("request refused", ["fault": fault.rawValue, "payment": paid?.id.description ?? ""])
        case .upstreamFailed(let failure, let debt):
            log.warning("upstream failed", ["reason": failure.reason, "debt": debt?.id.description ?? ""])
        }
    }
}
