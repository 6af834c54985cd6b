// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// `tollgate ledger refund`: pays debts back, by transactions written for a wallet elsewhere or from the payout wallet.
enum RefundCommand {
    private static let all = Parameter.flag("all", help: "Every open debt.")
    private static let toFile = Parameter.option("to-file", "file", help: "Writes the unsigned transactions to a new file.")
    private static let unsigned = Parameter.flag("unsigned", help: "Writes them although `payouts` is configured.")
    private static let confirm = Parameter.option(
        "confirm", "id", help: "Notes that the transaction which follows paid this payment back.")
    private static let drop = Parameter.option("drop", "id", help: "Gives the debt back: its written refund will not be sent.")
    private static let wait = Parameter.option("wait", "time", default: "60s", help: "How long the chain is waited for, each.")
    private static let words = Parameter.remainingArguments("id", help: "Payments to pay back; with --confirm, the transaction.")

    static func command(_ configuration: Parameter) -> Command {
        Command(
            "refund", summary: "Pays debts back to payers.",
            discussion: "Writes unsigned transactions, or with `payouts` in the configuration signs and sends them. What is on "
                + "its way back cannot be spent meanwhile.",
            parameters: [configuration, self.all, self.toFile, self.unsigned, self.confirm, self.drop, self.wait, self.words]
        ) { try await self.run($0) }
    }

    private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let words = arguments.values(self.words)
        let session = try LedgerSession(path: Main.path(arguments))
        let refunds = Refunds(
            session: session, store: try session.ledger(OpenLedger.sharing), networks: try session.networks(),
            patience: try self.patience(arguments))
        if let id = arguments.value(self.confirm) {
            guard words.count == 1 else { throw UsageError("write `--confirm ID TRANSACTION`") }
            return try await refunds.confirm(id, by: words[0])
        }
        if let id = arguments.value(self.drop) {
            guard words.isEmpty else { throw UsageError("write `--drop ID` alone") }
            return try await refunds.drop(id)
        }
        guard arguments.has(self.all) != !words.isEmpty else {
            throw UsageError("write the payments to pay back, or `--all`; `tollgate ledger debts` lists them")
        }
        let file = arguments.value(self.toFile)
        let isUnsigned = session.configuration.payouts == nil || arguments.has(self.unsigned) || file != nil
        let chosen = arguments.has(self.all) ? try await refunds.openDebts() : try await refunds.find(words)
        return isUnsigned ? try await refunds.write(chosen, to: file) : try await refunds.pay(chosen)
    }

    private static func patience(_ arguments: Arguments) throws -> Duration {
        let text = arguments.value(self.wait) ?? "60s"
        guard let duration = DurationText.parse(text) else { throw UsageError("--wait \(text) is no duration, such as 60s") }
        return duration
    }
}

/// Refunds, one after the other, each told as it happens.
struct Refunds {
    let session: LedgerSession
    let store: any PaymentStore
    let networks: [ExactEVMNetwork]
    let patience: Duration
    var say: @Sendable (String) -> Void = { StandardStreams.writeError(EscapedText.singleLine($0) + "\n") }
    var output: @Sendable (String) -> Void = { StandardStreams.writeOutput($0) }

    func find(_ words: [String]) async throws -> [PaymentRecord] {
        var records: [PaymentRecord] = []
        for word in words { records.append(try await PaymentLookup(ledger: self.store).one(word)) }
        return records
    }

    /// Every debt that can be paid back, oldest first. What a reference can still buy with is left alone.
    func openDebts() async throws -> [PaymentRecord] {
        try await self.debts { $0.debt?.isOpen == true && !$0.awaitsCall(at: self.session.now) }
    }

    private func debts(where isChosen: (PaymentRecord) -> Bool) async throws -> [PaymentRecord] {
        var query = PaymentQuery(limit: PaymentQuery.pageSize)
        query.isOwed = true
        var records: [PaymentRecord] = []
        try await self.store.forEach(query) { if isChosen($0) { records.append($0) } }
        return records
    }

    private func network(of record: PaymentRecord) throws -> ExactEVMNetwork {
        guard let network = self.networks.first(where: { $0.chain == record.claim.option.network }) else {
            throw LedgerSession.Failure(description: "no `rpc` of \(record.claim.option.network) is configured")
        }
        return network
    }

    // MARK: - Signed elsewhere

    /// Writes the transactions, to standard output or a new file.
    func write(_ records: [PaymentRecord], to file: String?) async throws -> ExitCode {
        var written: [UnsignedRefund] = []
        var isWhole = true
        for record in records {
            do {
                if record.debt?.refund != nil {
                    self.say("payment \(record.id): was written before; make sure that it is signed once")
                }
                written.append(try await EVMRefunds.write(record, store: self.store, at: self.session.now))
            } catch let error as RefundError {
                self.say(error.description)
                isWhole = false
            }
        }
        let text = "[\n" + written.map { "  " + $0.json.text }.joined(separator: ",\n") + "\n]\n"
        if let file, !written.isEmpty {
            do throws(FileError) { try PrivateFiles.create(file, Array(text.utf8)) } catch {
                self.say("\(file) cannot be made: \(error.reason); here is what belongs in it")
                self.output(text)
                isWhole = false
            }
        } else if !written.isEmpty {
            self.output(text)
        }
        for refund in written {
            self.say(
                "refund of \(refund.display) to \(refund.payer), to be signed by \(refund.from); then: tollgate ledger refund "
                    + "--confirm \(refund.payment.description.prefix(10)) TRANSACTION")
        }
        if records.isEmpty { self.say("no open debts") }
        return isWhole ? .success : .failure
    }

    func confirm(_ id: String, by transaction: String) async throws -> ExitCode {
        let record = try await PaymentLookup(ledger: self.store).one(id)
        let refunds = EVMRefunds(network: try self.network(of: record), store: self.store)
        let wallet = self.session.configuration.payouts?.key.map { [$0.address.description] } ?? []
        let refunded = try await refunds.confirm(record, by: transaction, from: wallet, at: self.session.now)
        self.say("payment \(refunded.id): paid back in \(refunded.debt?.refunded?.transaction ?? transaction)")
        return .success
    }

    func drop(_ id: String) async throws -> ExitCode {
        let record = try await PaymentLookup(ledger: self.store).one(id)
        let dropped = try await EVMRefunds(network: try self.network(of: record), store: self.store)
            .drop(record, at: self.session.now)
        self.say("payment \(dropped.id): the debt is open again")
        return .success
    }

    // MARK: - The payout wallet

    /// Signs and sends. What an earlier run left under way is taken up first: the wallet's numbers go in order.
    func pay(_ records: [PaymentRecord]) async throws -> ExitCode {
        guard let payouts = self.session.configuration.payouts else { return .failure }
        guard LedgerSession.isAtHand(payouts.signer), let key = payouts.key else {
            throw LedgerSession.Failure(
                description: "`payouts.signer` is \(payouts.signer.reference), and no key is there; set it, or write the refunds "
                    + "with `--unsigned`")
        }
        let limit = PayoutLimit(payouts, networks: self.session.configuration.networks)
        let underWay = try await self.debts { $0.debt?.refund?.transaction != nil && $0.debt?.refunded == nil }
            .sorted { ($0.debt?.refund?.transaction?.nonce ?? 0) < ($1.debt?.refund?.transaction?.nonce ?? 0) }
        let open = records.filter { record in !underWay.contains { $0.id == record.id } }
        var isWhole = true
        for record in underWay + open {
            do {
                let wallet = EVMPayoutWallet(
                    network: try self.network(of: record), store: self.store, key: key, environment: self.session.environment)
                guard try await self.pay(record, from: wallet, limit) else { return .failure }
            } catch let error as RefundError {
                self.say(error.description)
                isWhole = false
            }
        }
        if underWay.isEmpty, open.isEmpty { self.say("no open debts") }
        return isWhole ? .success : .failure
    }

    /// False when the chain did not say in time what became of it: later numbers would wait for it too.
    private func pay(_ record: PaymentRecord, from wallet: EVMPayoutWallet, _ limit: PayoutLimit) async throws -> Bool {
        var record = record
        if record.debt?.refund?.transaction == nil {
            let signed = try await limit.signed(in: self.store, now: self.session.now)
            let asset = record.claim.option.asset
            if let objection = limit.objection(to: record.debt?.units ?? .zero, of: asset, signed: signed) {
                throw RefundError("payment \(record.id): \(objection)")
            }
            record = try await wallet.sign(record)
        }
        guard try await limit.signed(in: self.store, now: self.session.now) <= limit.maxPerDay else {
            throw RefundError(
                "payment \(record.id): its refund is signed and held back, since another command signed refunds up to "
                    + "`payouts.max_per_day`; run this again later")
        }
        let amount = record.debt?.refund.map { refund in
            let asset = record.claim.option.asset
            return "\(DecimalAmount(units: refund.units, decimals: asset.decimals)) \(asset.symbol) to \(refund.to)"
        }
        switch try await wallet.pursue(record, patience: self.patience) {
        case .paid(let paid):
            self.say("payment \(paid.id): \(amount ?? "") paid back in \(paid.debt?.refunded?.transaction ?? "")")
            return true
        case .dropped(let reason): throw RefundError("payment \(record.id): \(reason); the debt is open again")
        case .pending(let transaction, let trouble):
            self.say("payment \(record.id): \(transaction) is under way (\(trouble)); run this again to take it up")
            return false
        }
    }
}
