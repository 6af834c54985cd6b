// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
internal import TollPrimitives
internal import TollProtocol
public import TollRuntime

/// Gets things, and pays for them where it must: does what a ``PurchaseMachine`` decides.
public struct Buyer: Sendable {
    /// Takes the pieces of an answer's body in order. What it throws ends the purchase.
    public typealias BodySink = @Sendable (_ piece: [UInt8]) async throws -> Void

    let client: any HTTPClient
    let directory: NetworkDirectory
    let signers: [any PaymentSigner]
    let journal: Journal
    let chain: any ChainReader
    let senders: [any TransferSender]
    let reader: any InstructionsReader
    let environment: Environment
    let tell: @Sendable (String) -> Void

    /// A buyer.
    ///
    /// - Parameters:
    ///   - directory: The networks and tokens it pays with.
    ///   - signers: The keys it pays with; without any it can still get what is free.
    ///   - chain: Where it looks up its funds.
    ///   - senders: The accounts it makes transfers from, where a server takes nothing better.
    ///   - reader: Says who has signed a transfer's instructions.
    ///   - tell: Is told how far a transfer is, which takes a while, in words for people.
    public init(
        client: any HTTPClient,
        directory: NetworkDirectory,
        signers: [any PaymentSigner],
        journal: Journal,
        chain: any ChainReader = NoChainReader(),
        senders: [any TransferSender] = [],
        reader: any InstructionsReader = NoInstructionsReader(),
        environment: Environment = .live,
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.client = client
        self.directory = directory
        self.signers = signers
        self.journal = journal
        self.chain = chain
        self.senders = senders
        self.reader = reader
        self.environment = environment
        self.tell = tell
    }

    /// Gets `request`, paying at most once and within `policy`.
    ///
    /// A payment whose outcome is open from an earlier call of the same request is sent again as it was; nothing new is paid
    /// until that is known. Never throws: the report says what happened, and the journal has it.
    public func purchase(_ request: PurchaseRequest, policy: PurchasePolicy, deliver: BodySink) async -> PurchaseReport {
        var report = PurchaseReport()
        do throws(PurchaseFailure) { try await self.complete(request, policy, deliver, &report) } catch { report.failure = error }
        return report
    }

    /// Takes up what an earlier call left open, else begins anew.
    private func complete(
        _ request: PurchaseRequest, _ policy: PurchasePolicy, _ deliver: BodySink, _ report: inout PurchaseReport
    ) async throws(PurchaseFailure) {
        if !policy.isDryRun, let (payment, hold) = self.takeUp(request) {
            guard payment.terms.request == request.digest else {
                throw PurchaseFailure(
                    .keyReused, "the idempotency key was used for another request of \(request.url): give this one its own")
            }
            report.notices.append("took up the payment of \(payment.terms.option.display) that an earlier call left open")
            if payment.isTransfer {
                if try await self.pursue(payment, hold, request, policy, isFirst: false, deliver, &report) { return }
                return try await self.run(request, policy, deliver, &report)
            }
            guard payment.isCreditPurchase else {
                return try await self.present(payment, hold, request, isFirst: false, deliver, &report)
            }
            if try await self.presentCredit(payment, hold, request, isFirst: false, deliver, &report) { return }
        }
        try await self.run(request, policy, deliver, &report)
    }

    // MARK: Before payment

    private func run(
        _ request: PurchaseRequest,
        _ policy: PurchasePolicy,
        _ deliver: BodySink,
        _ report: inout PurchaseReport
    ) async throws(PurchaseFailure) {
        let credits = policy.spendsCredit && !policy.isDryRun ? self.credits(at: request.url.origin) : []
        var machine = PurchaseMachine(
            request, policy: policy, directory: self.directory, signers: self.signers, senders: self.senders, reader: self.reader,
            credits: credits)
        var action = machine.start()
        var unread: BodyStream?
        while true {
            switch action {
            case .ask(let url): action = await self.ask(request, url, &machine, &report, &unread)
            case .spendCredit(let candidate, let invitation, let url):
                if try await self.spendCredit(candidate, invitation, at: url, request, deliver, &report) { return }
                action = machine.creditRefused()
            case .lookUpFunds(let candidate):
                action = machine.funds(await self.chain.balance(of: candidate.signer.account, in: candidate.option.asset))
            case .pay(let candidate, let url, let offer):
                let (payment, hold) = try self.commit(candidate, at: url, offer, request, policy)
                return try await self.present(payment, hold, request, isFirst: true, deliver, &report)
            case .fetchSigners(let origin): action = machine.listed(await .fetch(origin, self.client))
            case .lookUpTransfer(let candidate): action = machine.prospect(await candidate.sender.prospect(of: candidate.option))
            case .transfer(let candidate, let quote, let url):
                return try await self.transfer(candidate, quote, at: url, request, policy, deliver, &report)
            case .preview(let candidate, let url):
                try self.checkBudget(candidate.cost, at: url, policy)
                report.preview = Self.payment(candidate.option, candidate.signer.account, Self.dialect(candidate))
                return
            case .previewTransfer(let candidate, let url):
                try self.checkBudget(candidate.cost, at: url, policy)
                report.preview = Self.payment(candidate.option, candidate.sender.account, TransferOffer.dialect)
                return
            case .deliver(let notices):
                report.notices += notices
                do { try await Self.pump(unread, to: deliver) } catch {
                    throw PurchaseFailure(.network, "the answer broke off: \(error)")
                }
                return
            case .fail(let failure): throw failure
            }
        }
    }

    private func ask(
        _ request: PurchaseRequest,
        _ url: URLParts,
        _ machine: inout PurchaseMachine,
        _ report: inout PurchaseReport,
        _ unread: inout BodyStream?
    ) async -> PurchaseMachine.Action {
        guard let unpaid = request.request(to: url) else {
            return .fail(PurchaseFailure(.network, "the request cannot be written"))
        }
        do throws(HTTPError) {
            let response = try await self.client.send(unpaid)
            report.status = response.head.status
            report.fields = response.head.fields
            unread = response.body
            // What is over the limit is no offer, and the header may do without the body.
            let body = response.head.status == 402 ? (try? await response.body.collect(upTo: Self.offerSizeMax)) ?? [] : []
            return machine.answered(response.head, body: body, at: self.environment.now())
        } catch {
            return machine.failed(error)
        }
    }

    /// Bytes of a 402's body: an offer of version 1 with a dozen options is well below.
    static let offerSizeMax = 64 << 10

    private func checkBudget(_ cost: Dollars, at url: URLParts, _ policy: PurchasePolicy) throws(PurchaseFailure) {
        let spent = try Self.journaled { () throws(JournalError) in
            try self.journal.spending(at: url.origin, self.environment.now())
        }
        if let objection = policy.budget.objection(to: cost, at: url.origin, spent: spent) {
            throw PurchaseFailure(.overBudget, objection)
        }
    }

    static func payment(_ option: PaymentOption, _ account: String, _ dialect: String) -> PurchaseReport.Payment {
        PurchaseReport.Payment(option: option, account: account, dialect: dialect, transaction: "")
    }

    // MARK: Payment

    /// None when the journal cannot be used: what is free can still be had, and for the rest reserving fails.
    private func takeUp(_ request: PurchaseRequest) -> (JournaledPayment, Journal.Hold)? {
        (try? self.journal.takeUp(request: request.digest, key: request.keyDigest, at: self.environment.now())) ?? nil
    }

    /// Reserves, signs and records, in this order, so that at every instant what could cost money is counted.
    private func commit(
        _ candidate: Candidate,
        at url: URLParts,
        _ offer: ReceivedOffer,
        _ request: PurchaseRequest,
        _ policy: PurchasePolicy
    ) throws(PurchaseFailure) -> (JournaledPayment, Journal.Hold) {
        let now = self.environment.now()
        guard let nonce = Bytes32(self.environment.randomBytes(32)) else {
            preconditionFailure("The environment gave fewer random bytes than asked for.")
        }
        let validBefore = now + UInt64(candidate.option.maxTimeoutSeconds)
        let terms = JournaledPayment.Terms(
            request: request.digest,
            method: request.method.token,
            url: url,
            dialect: Self.dialect(candidate),
            account: candidate.signer.account,
            option: candidate.option,
            cost: candidate.cost,
            validBefore: validBefore,
            key: request.keyDigest
        )
        let hold = try self.reserve(terms, nonce, policy, now)
        let validity = AuthorizationValidity(
            validAfter: now - min(now, Self.backdating),
            validBefore: validBefore,
            nonce: nonce
        )
        guard let payload = try? candidate.signer.sign(candidate.option, validity),
            let field = PaymentEnvelope.field(
                payload, for: candidate.offered, of: offer,
                identifier: X402V2.PaymentIdentifier.make(self.environment.randomBytes(16)))
        else {
            _ = try? self.journal.release(hold, reason: "it was not signed", at: now)
            throw PurchaseFailure(.noAcceptableOffer, "the option cannot be signed")
        }
        try Self.journaled { () throws(JournalError) in
            try self.journal.markSent(hold, field: field.name, value: field.value, at: now)
        }
        let state = JournaledPayment.State.sent(field: field.name, value: field.value)
        return (JournaledPayment(id: nonce, time: now, terms: terms, state: state), hold)
    }

    /// Seconds by which an authorization begins in the past: the chain's clock may be behind ours.
    static let backdating: UInt64 = 600

    func reserve(
        _ terms: JournaledPayment.Terms,
        _ nonce: Bytes32,
        _ policy: PurchasePolicy,
        _ now: UInt64
    ) throws(PurchaseFailure) -> Journal.Hold {
        let reservation = try Self.journaled { () throws(JournalError) in
            try self.journal.reserve(terms, id: nonce, budget: policy.budget, at: now)
        }
        switch reservation {
        case .granted(let hold): return hold
        case .exceeded(let reason): throw PurchaseFailure(.overBudget, reason)
        case .taken where terms.key != nil:
            throw PurchaseFailure(.outcomeUnknown, "another process is at this purchase, under the same idempotency key")
        case .taken where terms.dialect == TransferOffer.dialect:
            throw PurchaseFailure(.noAcceptableOffer, "the server asks again for a transfer that was made: it is not made twice")
        case .taken: throw PurchaseFailure(.journalUnusable, "a nonce was drawn twice: randomness is broken")
        }
    }

    /// Sends a payment that is recorded, and records what comes of it.
    func present(
        _ payment: JournaledPayment,
        _ hold: Journal.Hold,
        _ request: PurchaseRequest,
        isFirst: Bool,
        _ deliver: BodySink,
        _ report: inout PurchaseReport
    ) async throws(PurchaseFailure) {
        guard let envelope = payment.envelope, let paid = request.request(to: payment.terms.url, adding: envelope) else {
            throw PurchaseFailure(.outcomeUnknown, "the recorded payment cannot be sent")
        }
        report.payment = Self.payment(payment.terms.option, payment.terms.account, payment.terms.dialect)
        let response: ClientResponse
        do throws(HTTPError) {
            response = try await self.client.send(paid)
        } catch {
            throw try self.sendFailed(error, hold, isFirst: isFirst, &report)
        }
        report.status = response.head.status
        report.fields = response.head.fields
        let body = response.head.status < 400 ? [] : (try? await response.body.collect(upTo: PaidAnswer.bodySizeMax)) ?? []
        let answer = PaidAnswer(response.head, body: body, networks: self.names(of: payment.terms.option.network))
        report.notices += payment.isCreditPurchase ? answer.notices.filter { $0 != PaidAnswer.noTransaction } : answer.notices
        if case .paid(let transaction) = answer.outcome { report.payment?.transaction = transaction }
        do {
            switch (response.head.status, answer.failure?.code) {
            case (..<400, nil): try await Self.pump(response.body, to: deliver)
            // Where credit is not taken the purchase goes on, and another answer is the one to deliver.
            case (_, .serverError) where !body.isEmpty && !(payment.isCreditPurchase && answer.isRefused): try await deliver(body)
            default: break
            }
        } catch {
            // The payment stays open: a server that keeps its answer gives it again.
            throw PaidAnswer.unknown("the answer broke off: \(error)")
        }
        self.record(answer, response.head.status, hold, &report)
        if let failure = answer.failure { throw failure }
    }

    /// The paid request failed on its way.
    private func sendFailed(
        _ error: HTTPError,
        _ hold: Journal.Hold,
        isFirst: Bool,
        _ report: inout PurchaseReport
    ) throws(PurchaseFailure) -> PurchaseFailure {
        guard error.isBeforeSend else { return PaidAnswer.unknown("no answer: \(error.reason)") }
        // An earlier call may have reached the server with the same payment.
        guard isFirst else { return PaidAnswer.unknown("the server cannot be reached: \(error.reason)") }
        report.payment = nil
        try Self.journaled { () throws(JournalError) in
            try self.journal.release(hold, reason: "it never left: \(error.reason)", at: self.environment.now())
        }
        return PurchaseFailure(.network, "the server cannot be reached: \(error.reason)")
    }

    /// A line that cannot be written leaves the payment open and counted, which is safe.
    func record(_ answer: PaidAnswer, _ status: Int, _ hold: Journal.Hold, _ report: inout PurchaseReport) {
        let now = self.environment.now()
        do throws(JournalError) {
            switch answer.outcome {
            case .paid(let transaction):
                try self.journal.markPaid(hold, status: status, transaction: transaction, at: now)
            case .refused(let reason):
                report.payment = nil
                try self.journal.markRefused(hold, status: status, reason: reason, at: now)
            case .open: break
            }
            if let debt = answer.debt {
                report.notices.append("the server owes the amount (\(debt)); another call there spends it as credit")
                try self.journal.markOwed(hold, debt: debt, at: now)
            }
        } catch {
            report.notices.append("the outcome is not in the journal: \(error)")
        }
    }

    // MARK: Parts

    func names(of network: ChainID) -> [String] {
        [network.description] + (self.directory.network(network)?.legacyName.map { [$0] } ?? [])
    }

    private static func dialect(_ candidate: Candidate) -> String {
        switch candidate.offered.wire {
        case .v2: "x402"
        case .v1: "x402-v1"
        }
    }

    static func pump(_ body: BodyStream?, to deliver: BodySink) async throws {
        while let piece = try await body?.next() { try await deliver(piece) }
    }

    static func journaled<Result>(_ body: () throws(JournalError) -> Result) throws(PurchaseFailure) -> Result {
        do throws(JournalError) { return try body() } catch {
            throw PurchaseFailure(.journalUnusable, "nothing is paid without a journal: \(error)")
        }
    }
}
