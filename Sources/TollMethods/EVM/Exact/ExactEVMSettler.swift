// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Brings claimed payments on chain: signs, writes to the ledger, sends, and pursues each transaction to its end.
struct ExactEVMSettler: Sendable {
    /// Enough for any EIP-3009 token with a plain account (USDC takes about 90,000); what is not used is not paid.
    private static let plainGasLimit: UInt64 = 200_000
    /// No settlement may cost more gas than this, whatever the token or the wallet does.
    private static let gasLimitMax: UInt64 = 2_000_000

    private let networks: [ChainID: ExactEVMNetwork]
    private let fees: [ChainID: FeeOracle]
    private let store: any PaymentStore
    private let background: BackgroundPursuits
    private let environment: Environment
    private let log: Logger

    init(
        networks: [ChainID: ExactEVMNetwork],
        store: any PaymentStore,
        background: BackgroundWork,
        environment: Environment,
        log: Logger
    ) {
        self.networks = networks
        self.fees = networks.mapValues { FeeOracle(client: $0.client, environment: environment) }
        self.store = store
        self.background = BackgroundPursuits(background)
        self.environment = environment
        self.log = log
    }

    private var now: Int64 { Int64(self.environment.now()) }

    func settle(_ record: PaymentRecord, keeping events: [PaymentEvent], patience: Duration) async -> SettlementOutcome {
        let deadline = self.environment.monotonic() + patience
        switch record.phase {
        case .settled:
            guard let settlement = record.settlement else {
                return .unavailable(reason: "a settled payment without a settlement")
            }
            return .settled(settlement)
        case .failed:
            return .failed(
                record.failure ?? PaymentRefusal(ErrorReason.transactionFailed.rawValue),
                transaction: record.transaction?.hash
            )
        case .released: return .unavailable(reason: "payment \(record.id) was released")
        case .claimed, .queued, .signed, .broadcast, .unknown: break
        }
        do throws(SettlementTrouble) {
            let payment = try Self.payment(record)
            guard let network = self.networks[payment.option.network] else {
                throw .unavailable("no chain \(payment.option.network)")
            }
            let signed =
                record.phase == .claimed || record.phase == .queued
                ? try await self.sign(payment, record, keeping: events, network) : record
            return try await self.pursue(payment, signed, network, until: deadline)
        } catch {
            switch error {
            case .refused(let refusal): return await self.fail(record, refusal)
            case .unavailable(let reason): return .unavailable(reason: reason)
            }
        }
    }

    func resume() async throws(StoreError) {
        let records = try await self.store.records(PaymentQuery(in: [.signed, .broadcast, .unknown], limit: .max))
        for record in records {
            guard let network = self.networks[record.claim.option.network], let transaction = record.transaction,
                let signer = Address(hex: transaction.signer)
            else { continue }
            network.signers?.reserve(transaction.nonce, of: signer)
            self.pursueInBackground(record)
        }
        if !records.isEmpty { self.log.info("settlements taken up", ["count": records.count]) }
    }

    // MARK: - Signing

    private enum SettlementTrouble: Error {
        case refused(PaymentRefusal)
        case unavailable(String)
    }

    private static func payment(_ record: PaymentRecord) throws(SettlementTrouble) -> ExactEVMPayment {
        do throws(PaymentRefusal) { return try ExactEVMPayment(record.claim.payload, option: record.claim.option) } catch {
            throw .refused(error)
        }
    }

    /// Signs the settlement and writes it down. Nothing has been sent when this returns (invariant I2).
    private func sign(
        _ payment: ExactEVMPayment,
        _ record: PaymentRecord,
        keeping events: [PaymentEvent],
        _ network: ExactEVMNetwork
    ) async throws(SettlementTrouble) -> PaymentRecord {
        guard let signers = network.signers, let fees = self.fees[network.chain] else {
            throw .unavailable("no signer on \(network.chain)")
        }
        let quote: FeeOracle.Quote
        let turn: SignerPool.Turn
        var draft: Draft
        do throws(RPCError) {
            draft = try await self.draft(payment, network)
            quote = try await fees.quote()
            turn = try await signers.takeTurn { address throws(RPCError) in
                try await network.client.ask(.transactionCount(of: address, at: .pending))
            }
        } catch {
            if case .revert = error {
                throw .refused(PaymentRefusal(ErrorReason.transactionFailed.rawValue, detail: error.revertReason ?? "\(error)"))
            }
            throw .unavailable("the chain: \(error)")
        }
        let transaction = EIP1559Transaction(
            chainID: payment.chainID,
            nonce: turn.nonce,
            maxPriorityFeePerGas: quote.maxPriorityFeePerGas,
            maxFeePerGas: quote.maxFeePerGas,
            gasLimit: draft.gasLimit,
            to: draft.to,
            value: 0,
            data: draft.data
        )
        let signed = transaction.signed(by: turn.key)
        let event = PaymentEvent.signed(
            SettlementTransaction(
                hash: signed.hash.description,
                raw: signed.raw,
                signer: turn.address.description,
                nonce: turn.nonce
            )
        )
        do { return try await self.store.append(events + [event], to: record.id, at: self.now) } catch {
            signers.giveBack(turn.nonce, of: turn.address)
            throw .unavailable("the ledger: \(error.reason)")
        }
    }

    private struct Draft {
        let to: Address
        let data: [UInt8]
        let gasLimit: UInt64
    }

    /// Whom to call with what. A wallet that is yet to be deployed is deployed in the same transaction.
    private func draft(_ payment: ExactEVMPayment, _ network: ExactEVMNetwork) async throws(RPCError) -> Draft {
        var (to, data) = (payment.asset, payment.transferCalldata)
        if payment.deployment != nil, try await network.client.ask(.code(of: payment.authorization.from)).isEmpty {
            (to, data) = (Multicall3.address, payment.deployAndTransferCalldata)
        }
        if to == payment.asset, payment.plainSignature != nil { return Draft(to: to, data: data, gasLimit: Self.plainGasLimit) }
        let message = CallMessage(from: network.signers?.addresses.first, to: to, data: data, gas: Self.gasLimitMax)
        let estimate = try await network.client.ask(.gasEstimate(of: message))
        return Draft(to: to, data: data, gasLimit: min(estimate + estimate / 4, Self.gasLimitMax))
    }

    // MARK: - Pursuit

    /// Until the chain has said what became of the transaction, or the deadline; then goes on in the background.
    private func pursue(
        _ payment: ExactEVMPayment,
        _ record: PaymentRecord,
        _ network: ExactEVMNetwork,
        until deadline: Duration?
    ) async throws(SettlementTrouble) -> SettlementOutcome {
        guard let transaction = record.transaction else { throw .unavailable("payment \(record.id) has no transaction") }
        let chain = ExactEVMChain(
            payment: payment,
            transaction: transaction,
            unusedAtBlock: record.claim.unusedAtBlock,
            network: network
        )
        var pursuit = SettlementPursuit(transaction: transaction.hash, wasSent: record.phase != .signed)
        var action = pursuit.start()
        while true {
            switch action {
            case .send: action = pursuit.sent(await chain.send())
            case .lookForReceipt: action = pursuit.found(await chain.receipt())
            case .checkAuthorization(let block): action = pursuit.checked(await chain.authorization(asOf: block))
            case .wait(let duration):
                if let deadline, self.environment.monotonic() + duration > deadline {
                    return try await self.leave(record, pursuit, transaction)
                }
                do { try await self.environment.sleep(for: duration) } catch {
                    return .pending(transaction: transaction.hash)
                }
                action = pursuit.waited()
            case .finish(let outcome): return try await self.conclude(outcome, record, transaction, network)
            }
        }
    }

    /// A transaction that no node took until its authorization had expired leaves its number unused, and no later transaction of
    /// the signer would ever be mined: the next one gets it.
    private func giveBackUnused(_ transaction: SettlementTransaction, _ network: ExactEVMNetwork) async {
        guard let signer = Address(hex: transaction.signer) else { return }
        let count = try? await network.client.ask(.transactionCount(of: signer, at: .pending))
        if let count, count <= transaction.nonce { network.signers?.giveBack(transaction.nonce, of: signer) }
    }

    /// The client has waited long enough; the transaction is pursued on.
    private func leave(
        _ record: PaymentRecord,
        _ pursuit: SettlementPursuit,
        _ transaction: SettlementTransaction
    ) async throws(SettlementTrouble) -> SettlementOutcome {
        self.log.warning(
            "settlement takes long",
            ["payment": record.id, "transaction": transaction.hash, "trouble": pursuit.lastTrouble ?? "not mined yet"]
        )
        let event: PaymentEvent? =
            switch record.phase {
            case .signed: pursuit.wasAccepted ? .broadcast : .unknown(reason: pursuit.lastTrouble ?? "not accepted yet")
            default: nil
            }
        if let event { try await self.write([event], to: record) }
        self.pursueInBackground(record)
        return .pending(transaction: transaction.hash)
    }

    private func pursueInBackground(_ record: PaymentRecord) {
        let settler = self
        self.background.start(record.id) {
            guard let network = settler.networks[record.claim.option.network],
                let payment = try? ExactEVMPayment(record.claim.payload, option: record.claim.option),
                let current = try? await settler.store.record(record.id), current.isUnderWay
            else { return }
            _ = try? await settler.pursue(payment, current, network, until: nil)
        }
    }

    private func conclude(
        _ outcome: SettlementOutcome,
        _ record: PaymentRecord,
        _ transaction: SettlementTransaction,
        _ network: ExactEVMNetwork
    ) async throws(SettlementTrouble) -> SettlementOutcome {
        let sent: [PaymentEvent] = record.phase == .signed ? [.broadcast] : []
        switch outcome {
        case .settled(let settlement): try await self.write(sent + [.settled(settlement)], to: record)
        case .failed(let refusal, _):
            if try await self.write([.failed(refusal)], to: record) { await self.giveBackUnused(transaction, network) }
        case .pending, .unavailable: break
        }
        return outcome
    }

    /// Writes the end, unless another pursuit of the same payment has written it; says whether this one did.
    @discardableResult
    private func write(_ events: [PaymentEvent], to record: PaymentRecord) async throws(SettlementTrouble) -> Bool {
        do throws(StoreError) {
            try await self.store.append(events, to: record.id, at: self.now)
            return true
        } catch {
            let current = try? await self.store.record(record.id)
            if error.isDefect, let current, current.phase != record.phase { return false }
            throw .unavailable("the ledger: \(error.reason)")
        }
    }

    private func fail(_ record: PaymentRecord, _ refusal: PaymentRefusal) async -> SettlementOutcome {
        do throws(StoreError) {
            try await self.store.append([.failed(refusal)], to: record.id, at: self.now)
            return .failed(refusal, transaction: record.transaction?.hash)
        } catch {
            return .unavailable(reason: "the ledger: \(error.reason)")
        }
    }
}
