// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Brings claimed payments on chain: signs, and has each transaction pursued to its end.
struct ExactEVMSettler: Sendable {
    /// Enough for any EIP-3009 token with a plain account (USDC takes about 90,000); what is not used is not paid.
    private static let plainGasLimit: UInt64 = 200_000
    /// The most numbers in work at once: of a chain that stands still, what is kept in memory. Nothing is signed above it.
    static let pursuitCountMax = 4_096
    /// How long to wait for a pursuit of the same payment that another task runs, in growing steps.
    private static let polls: [Duration] = [
        .milliseconds(15), .milliseconds(30), .milliseconds(60), .milliseconds(125), .milliseconds(250), .milliseconds(500),
    ]

    let networks: [ChainID: ExactEVMNetwork]
    let desks: [ChainID: SettlementDesk]
    let store: any PaymentStore
    let table: PursuitTable
    let background: BackgroundWork
    let environment: Environment
    let log: Logger

    init(
        networks: [ChainID: ExactEVMNetwork],
        store: any PaymentStore,
        background: BackgroundWork,
        environment: Environment,
        log: Logger
    ) {
        self.networks = networks
        self.desks = networks.compactMapValues { network in
            network.signers.map { signers in
                let fees = FeeOracle(client: network.client, limit: network.limits.feePerGas, environment: environment)
                return SettlementDesk(network: network, signers: signers, fees: fees, store: store, environment: environment)
            }
        }
        self.store = store
        self.table = PursuitTable(limit: Self.pursuitCountMax)
        self.background = background
        self.environment = environment
        self.log = log
    }

    private var now: Int64 { Int64(self.environment.now()) }

    /// Runs pursuits.
    var pursuer: Pursuer {
        Pursuer(
            desks: self.desks, store: self.store, table: self.table, background: self.background, environment: self.environment,
            log: self.log, takeUp: { payment in await self.takeUp(payment) })
    }

    /// Settles a payment, or takes its settlement up where it was left.
    func settle(_ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration) async -> SettlementOutcome {
        let deadline = self.environment.monotonic() + patience
        var record = payment
        var events = events
        do throws(SettlementTrouble) {
            while true {
                switch record.phase {
                case .settled, .failed, .released: return Self.outcome(of: record)
                case .claimed, .queued:
                    record = try await self.sign(record, keeping: events)
                    events = []
                case .signed, .broadcast, .unknown: break
                }
                switch try await self.pursue(record, until: deadline) {
                case .outcome(let outcome): return outcome
                case .returned where record.claim.policy == .deferred: return .pending(transaction: "")
                case .returned, .over: record = try await self.current(record)
                }
            }
        } catch {
            switch error {
            case .refused(let refusal): return await self.fail(record, refusal, keeping: events)
            case .unavailable(let reason): return .unavailable(reason: reason)
            }
        }
    }

    private static func outcome(of record: PaymentRecord) -> SettlementOutcome {
        switch record.phase {
        case .settled:
            return record.settlement.map { .settled($0) } ?? .unavailable(reason: "a settled payment without a settlement")
        case .failed:
            let refusal = record.failure ?? PaymentRefusal(ErrorReason.transactionFailed.rawValue)
            return .failed(refusal, transaction: record.transaction?.hash)
        default: return .unavailable(reason: "payment \(record.id) is \(record.phase)")
        }
    }

    private func current(_ record: PaymentRecord) async throws(SettlementTrouble) -> PaymentRecord {
        do throws(StoreError) {
            guard let current = try await self.store.record(record.id) else { throw .defect("no payment \(record.id)") }
            return current
        } catch {
            throw .unavailable("the ledger: \(error.reason)")
        }
    }

    // MARK: - Signing

    /// Signs the settlement of one payment and writes it down. Nothing has been sent when this returns (invariant I2).
    private func sign(_ record: PaymentRecord, keeping events: [PaymentEvent]) async throws(SettlementTrouble) -> PaymentRecord {
        let due: DuePayment
        do throws(PaymentRefusal) { due = try DuePayment(record) } catch { throw .refused(error) }
        guard let desk = self.desks[record.claim.option.network] else {
            throw .unavailable("no signer on \(record.claim.option.network)")
        }
        guard !self.table.isFull else { throw .unavailable("the chain does not keep up: too many settlements are under way") }
        let signer = desk.signers.next()
        let draft = try await self.draft(due.payment, by: signer.address, desk.network)
        let records = try await desk.sign(draft, by: signer, for: [record.id], keeping: events)
        guard let signed = records.first else { throw .unavailable("the ledger returned nothing") }
        return signed
    }

    /// Whom to call with what. A wallet that is yet to be deployed is deployed in the same transaction.
    func draft(
        _ payment: ExactEVMPayment, by signer: Address, _ network: ExactEVMNetwork
    ) async throws(SettlementTrouble) -> SettlementDesk.Draft {
        do throws(RPCError) {
            var (to, data) = (payment.asset, payment.transferCalldata)
            if payment.deployment != nil, try await network.client.ask(.code(of: payment.authorization.from)).isEmpty {
                (to, data) = (Multicall3.address, payment.deployAndTransferCalldata)
            }
            if to == payment.asset, payment.plainSignature != nil {
                return SettlementDesk.Draft(to: to, data: data, gasLimit: min(Self.plainGasLimit, network.limits.gas))
            }
            let message = CallMessage(from: signer, to: to, data: data, gas: network.limits.gas)
            let estimate = try await network.client.ask(.gasEstimate(of: message))
            return SettlementDesk.Draft(to: to, data: data, gasLimit: min(estimate + estimate / 4, network.limits.gas))
        } catch {
            guard case .revert = error else { throw .unavailable("the chain: \(error)") }
            throw .refused(PaymentRefusal(ErrorReason.transactionFailed.rawValue, detail: error.revertReason ?? "\(error)"))
        }
    }

    // MARK: - Pursuit

    /// Pursues a signed payment, or waits for the pursuit that somebody here runs.
    private func pursue(_ record: PaymentRecord, until deadline: Duration) async throws(SettlementTrouble) -> Pursuer.Result {
        guard let number = record.pursuedNumber else { return try await self.resolve(record) }
        guard self.table.begin(number) else { return try await self.waitElsewhere(record, number, until: deadline) }
        guard let network = self.networks[number.chain], let pursuit = Pursuit([record], on: network) else {
            self.table.end(number)
            throw .unavailable("payment \(record.id) cannot be read")
        }
        return try await self.pursuer.pursue(pursuit, awaiting: record.id, until: deadline)
    }

    /// Another task pursues the number. Looks into the ledger until it ends, or leaves it.
    private func waitElsewhere(
        _ record: PaymentRecord, _ number: PursuitTable.Number, until deadline: Duration
    ) async throws(SettlementTrouble) -> Pursuer.Result {
        let pending = SettlementOutcome.pending(transaction: record.transaction?.hash ?? "")
        for step in 0... {
            let current = try await self.current(record)
            guard current.isUnderWay, self.table.isRunning(number) else { return .returned }
            let pause = Self.polls[min(step, Self.polls.count - 1)]
            guard self.environment.monotonic() + pause <= deadline else { break }
            do { try await self.environment.sleep(for: pause) } catch { break }
        }
        return .outcome(pending)
    }

    /// A payment whose outcome is unknown and that nothing was signed for here: the chain tells, by its authorization alone.
    private func resolve(_ record: PaymentRecord) async throws(SettlementTrouble) -> Pursuer.Result {
        guard record.isOurs, let network = self.networks[record.claim.option.network], let due = try? DuePayment(record) else {
            throw .unavailable("payment \(record.id) is settled elsewhere")
        }
        let chain = ExactEVMChain(network, confirmations: network.confirmations(for: [record.claim.option]))
        let event: PaymentEvent =
            switch await chain.authorization(of: due) {
            case .transferred(let settlement): .settled(settlement)
            case .used: .failed(PaymentRefusal(ErrorReason.nonceAlreadyUsed.rawValue, detail: "used without a transfer"))
            case .unused(isExpired: true):
                .failed(PaymentRefusal(ErrorReason.validBefore.rawValue, detail: "it expired unsettled"))
            case .unused(isExpired: false):
                .returned(reason: "nothing was signed, and the authorization is unused", transaction: "")
            case .unknown(let reason): throw .unavailable("the chain: \(reason)")
            }
        do throws(StoreError) { try await self.store.append([event], to: record.id, at: self.now) } catch {
            throw .unavailable("the ledger: \(error.reason)")
        }
        return .returned
    }

    /// Goes on with a payment that nobody waits for.
    func takeUp(_ payment: PaymentID) async {
        guard let record = try? await self.store.record(payment), record.phase != .queued else { return }
        _ = await self.settle(record, keeping: [], patience: .zero)
    }

    private func fail(
        _ record: PaymentRecord, _ refusal: PaymentRefusal, keeping events: [PaymentEvent]
    ) async -> SettlementOutcome {
        do throws(StoreError) {
            try await self.store.append(events + [.failed(refusal)], to: record.id, at: self.now)
            return .failed(refusal, transaction: record.transaction?.hash)
        } catch {
            return .unavailable(reason: "the ledger: \(error.reason)")
        }
    }
}

extension PaymentRecord {
    /// Whether an authorization moves its money.
    var isExact: Bool { self.claim.option.scheme == ExactEVM.scheme }

    /// Whether what became of it is to be found out here, and not from a facilitator that was asked.
    var isOurs: Bool {
        guard self.isExact else { return false }
        guard self.phase == .unknown, self.transaction == nil, let reason = self.failure?.detail else { return true }
        return reason != RemoteSubmission.nobody && RemoteSubmission(reason: reason) == nil
    }
}
