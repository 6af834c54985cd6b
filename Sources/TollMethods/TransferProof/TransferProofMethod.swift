// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Payment by a transfer that the client sends by itself: the chain is asked what arrived, what arrived is deposited for its
/// reference, and the call is bought out of the deposits.
struct TransferProofMethod: PaymentMethod {
    let networks: [ChainID: TransferProofNetwork]
    let references: any ReferenceStore
    let book: DepositBook
    let notes: ReferenceNotes
    let environment: Environment
    let log: Logger

    /// Why what was shown does not pay, or not yet.
    enum Verdict: Error {
        case refused(TransferProof.Reason, String)
        case processing(TransferProof.Reason, String)
        case unavailable(String)
    }

    init(
        networks: [ChainID: TransferProofNetwork], references: any ReferenceStore, store: any PaymentStore,
        notes: ReferenceNotes, environment: Environment, log: Logger
    ) {
        self.networks = networks
        self.references = references
        self.book = DepositBook(store: store)
        self.notes = notes
        self.environment = environment
        self.log = log
    }

    var isPaidAhead: Bool { true }

    func takes(_ option: PaymentOption) -> Bool { option.scheme == DepositBook.scheme }

    func key(of credential: Credential) -> PaymentKey? {
        credential.challengeHash.map { PaymentKey.call(reference: $0, network: credential.option.network, payer: "") }
    }

    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        do throws(Verdict) {
            return .valid(try await self.judge(credential, at: time))
        } catch {
            switch error {
            case .refused(let reason, let detail): return .invalid(PaymentRefusal(reason.rawValue, detail: detail))
            case .processing(let reason, let detail): return .processing(PaymentRefusal(reason.rawValue, detail: detail))
            case .unavailable(let reason): return .unavailable(reason: reason)
            }
        }
    }

    /// Nothing is left to settle: the money was here before.
    func settle(
        _ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration
    ) async -> SettlementOutcome {
        payment.settlement.map(SettlementOutcome.settled) ?? .unavailable(reason: "a call is settled when its deposits are spent")
    }

    private func judge(_ credential: Credential, at time: Int64) async throws(Verdict) -> VerifiedPayment {
        guard let shown = ShownProof(credential) else { throw .refused(.unknownReference, "the proof cannot be read") }
        guard let hash = credential.challengeHash, shown.proof.reference != nil else {
            throw .refused(.referenceRequired, "name the reference of the instructions that were paid")
        }
        guard let reference = try await self.ledger({ () async throws(StoreError) in try await self.references.reference(hash) })
        else { throw .refused(.unknownReference, "no such reference; it may have ended more than a day ago") }
        guard shown.routes.contains(reference.route) else {
            throw .refused(.unknownReference, "the reference is for \(reference.route)")
        }
        if let call = try await self.call(of: reference) {
            await self.receiveMore(shown.proof, for: reference, at: time)
            return call
        }
        let trouble = await self.receive(shown.proof, for: reference, at: time)
        let balance = try await self.ledger { () async throws(StoreError) in try await self.book.balance(of: reference) }
        // What was shown may not count, and what had arrived before may suffice all the same.
        if balance.spendable >= reference.option.amount, let first = balance.deposits.first {
            self.notes.note(nil, of: hash)
            return Self.payment(reference, payer: first.claim.payer)
        }
        // Another request may have bought the call meanwhile.
        if let call = try await self.call(of: reference) { return call }
        if let trouble { throw trouble }
        let missing = reference.option.amount.subtracting(balance.spendable) ?? .zero
        throw .refused(
            .underpaid, "\(balance.spendable) of \(reference.option.amount) units have arrived; \(missing) more are missing")
    }

    /// The call that the reference has bought already; nil when it has bought none.
    private func call(of reference: PaymentReference) async throws(Verdict) -> VerifiedPayment? {
        let key = PaymentKey.call(reference: reference.hash, network: reference.option.network, payer: "")
        let record = try await self.ledger { () async throws(StoreError) in try await self.book.store.record(key.id) }
        return record.map { Self.payment(reference, payer: $0.claim.payer) }
    }

    static func payment(_ reference: PaymentReference, payer: String) -> VerifiedPayment {
        VerifiedPayment(
            key: PaymentKey.call(reference: reference.hash, network: reference.option.network, payer: payer), payer: payer,
            unusedAtBlock: reference.head, validBefore: reference.expires + DepositBook.lateSeconds, option: reference.option)
    }

    /// Deposits what was sent beside what the call was bought with: it is owed to its sender, and nobody would know of it.
    private func receiveMore(_ proof: TransferProof.Proof, for reference: PaymentReference, at time: Int64) async {
        guard let balance = try? await self.book.balance(of: reference) else { return }
        let shown = proof.txHash.description
        guard !balance.deposits.contains(where: { $0.claim.payload["txHash"] == .string(shown) }) else { return }
        _ = await self.receive(proof, for: reference, at: time)
    }

    /// Deposits what the transaction moved to us; says what stands against it counting, if anything does.
    func receive(
        _ proof: TransferProof.Proof, for reference: PaymentReference, at time: Int64
    ) async -> Verdict? {
        do throws(Verdict) {
            try await self.deposit(proof, for: reference, at: time)
            return nil
        } catch {
            self.remember(error, proof, reference, at: time)
            return error
        }
    }

    private func deposit(
        _ proof: TransferProof.Proof, for reference: PaymentReference, at time: Int64
    ) async throws(Verdict) {
        guard let network = self.networks[ChainID(eip155: proof.chainID)], let judge = BindingJudge(reference) else {
            throw .refused(.wrongNetwork, "nothing is sold for money on eip155:\(proof.chainID)")
        }
        let reading = ReceiptReading(receipt: try await self.receipt(of: proof, on: network, reference, at: time))
        guard reading.receipt.succeeded else { throw .refused(.reverted, "the transaction reverted; nothing moved") }
        let arrivals = reading.arrivals(at: [judge.recipient])
        let bound = try await self.bound(arrivals, by: proof, judge, reading, on: network)
        let isEarly = network.network.chain == reference.option.network && reading.receipt.blockNumber <= reference.head
        let isLate = try await self.isLate(reading.receipt, for: reference, on: network)
        var taken: [PaymentRecord] = []
        var isCounted = false
        for arrival in judge.meant(of: bound) {
            guard let asset = network.asset(arrival.transfer.token) else { continue }
            let counts = !isEarly && !isLate && judge.isDue(arrival.transfer, on: network.network.chain)
            let record = try await self.ledger { () async throws(StoreError) in
                try await self.book.deposit(
                    arrival, in: reading, of: asset, for: reference, counts: counts,
                    reason: counts ? "deposited, and nothing bought with it yet" : "it was sent and buys nothing", at: time)
            }
            if counts, record.claim.depositedFor == reference.hash { isCounted = true } else if counts { taken.append(record) }
            // A second one of just its amount pays another reference of the same price.
            if isCounted, judge.isExact(arrival.transfer) { break }
        }
        guard !isCounted else { return }
        if let record = taken.first { throw .refused(.alreadyUsed, "the transfer has paid already: \(record.id)") }
        if isEarly { throw .refused(.tooEarly, "its block came before the reference; it is owed to its sender") }
        if isLate { throw .refused(.tooLate, "it came after the reference had ended; it is owed to its sender") }
        throw Self.mismatch(bound, judge, network)
    }

    /// What was sent is ours, and not what was asked for.
    private static func mismatch(
        _ arrivals: [ArrivedTransfer], _ judge: BindingJudge, _ network: TransferProofNetwork
    ) -> Verdict {
        let owed = "what is known here is owed to its sender"
        guard network.network.chain == judge.reference.option.network else {
            return .refused(
                .wrongNetwork, "\(judge.reference.option.network) was asked for, and not \(network.network.chain); \(owed)")
        }
        let tokens = arrivals.map { $0.transfer.token.description }.joined(separator: ", ")
        return .refused(.wrongToken, "\(judge.token) was asked for, and not \(tokens); \(owed)")
    }

    /// Of what arrived, that which is for the reference: by itself, or since its sender says so.
    private func bound(
        _ arrivals: [ArrivedTransfer], by proof: TransferProof.Proof, _ judge: BindingJudge, _ reading: ReceiptReading,
        on network: TransferProofNetwork
    ) async throws(Verdict) -> [ArrivedTransfer] {
        guard !arrivals.isEmpty else { throw Self.nothing(in: reading, for: judge) }
        var bound: [ArrivedTransfer] = []
        for arrival in arrivals {
            if judge.isBoundByItself(arrival.transfer) {
                bound.append(arrival)
            } else if try await self.isSigned(proof, by: arrival.transfer.from, on: network) {
                bound.append(arrival)
            }
        }
        guard bound.isEmpty else { return bound }
        guard proof.signature == nil else {
            let senders = arrivals.map(\.transfer.from.description).joined(separator: ", ")
            let signer = proof.recoveredSender?.description ?? "nobody"
            throw .refused(.invalidSignature, "expected the signature of \(senders), recovered \(signer)")
        }
        guard judge.reference.binding == .signature else {
            throw .refused(.wrongAmount, "it is not the amount that was asked for; the sender's signature would say whose it is")
        }
        throw .refused(.signatureRequired, "sign `\(TransferProof.name) <reference> <txHash>` with the account that sent it")
    }

    static func nothing(in reading: ReceiptReading, for judge: BindingJudge) -> Verdict {
        if reading.isAuthorized(to: [judge.recipient]) {
            return .refused(.authorized, "it was moved by an authorization, which pays in another dialect")
        }
        let transfers = reading.receipt.logs.compactMap(ERC20.Transfer.init)
        guard !transfers.isEmpty else { return .refused(.noTransfer, "the transaction holds no Transfer of a token") }
        return .refused(.wrongRecipient, "nothing in it went to \(judge.recipient)")
    }
}
