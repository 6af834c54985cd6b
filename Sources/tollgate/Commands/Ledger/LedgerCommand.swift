// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// `tollgate ledger`: what was paid, what happened to one payment, what is owed, and whether the chain agrees.
enum LedgerCommand {
    private static let payment = Parameter.argument("id", help: "The payment, or six digits of it at least; or a transaction.")
    private static let offline = Parameter.flag("offline", help: "Does not ask the chain.")
    private static let all = Parameter.flag("all", help: "Those that are paid back or spent among them.")
    private static let by = Parameter.option(
        "by", "columns", default: "day,route", help: "What rows are made of, beside network and asset: day, route, payer.")
    private static let events = Parameter.flag("events", help: "Every event of every payment in place of the payments.")
    private static let fromBlock = Parameter.option("from-block", "number", help: "The first block.")
    private static let toBlock = Parameter.option("to-block", "number", help: "The last block.")
    private static let to = Parameter.option(
        "to", "tag", default: "finalized", help: "The last block by name: finalized, latest.")
    private static let owed = Parameter.flag(
        "owed", help: "Makes a debt of every payment that was lost; without it nothing is owed for them.")

    static func command(_ configuration: Parameter) -> Command {
        let filters = [configuration] + LedgerOptions.filters
        return Command(
            "ledger", summary: "Shows the ledger, holds it against the chain, and pays debts back.",
            subcommands: [
                Command(
                    "payments", summary: "Every payment, oldest first.",
                    parameters: filters + [LedgerOptions.state, LedgerOptions.format]
                ) { try await self.payments($0) },
                Command(
                    "show", summary: "What happened to one payment, and why it was not paid.",
                    parameters: [configuration, offline, LedgerOptions.format, payment]
                ) { try await self.show($0) },
                Command(
                    "revenue", summary: "What was sold, paid back and is owed.", parameters: filters + [by, LedgerOptions.format]
                ) { try await self.revenue($0) },
                Command(
                    "debts", summary: "What payers are owed, and what they were served and never paid.",
                    parameters: filters + [all, LedgerOptions.format]
                ) { try await self.debts($0) },
                RefundCommand.command(configuration),
                Command(
                    "reconcile", summary: "Compares the ledger with the chain's Transfer logs.",
                    parameters: [configuration, LedgerOptions.network, fromBlock, toBlock, to, LedgerOptions.format]
                ) { try await self.reconcile($0) },
                Command("verify", summary: "Holds the ledger against itself, event by event.", parameters: [configuration]) {
                    try await self.verify($0)
                },
                Command(
                    "rebuild", summary: "After a restore, with the gateway stopped: claims what the ledger has lost.",
                    parameters: [configuration, LedgerOptions.network, fromBlock, owed]
                ) { try await self.rebuild($0) },
                Command(
                    "export", summary: "Every payment, or every event, for other programs.",
                    parameters: filters + [events, LedgerOptions.exportFormat]
                ) { try await self.export($0) },
            ])
    }

    // MARK: - Reports

    private static func payments(_ arguments: Arguments) async throws -> ExitCode {
        let format = try LedgerOptions.format(arguments)
        let state = try StateFilter(arguments.value(LedgerOptions.state))
        let session = try LedgerSession(path: Main.path(arguments))
        let query = try LedgerOptions.query(arguments, now: session.now)
        var writer = ReportWriter(PaymentsReport.columns, format: format)
        try await PaymentsReport.run(try session.ledger(OpenLedger.reading), query, state, into: &writer)
        return .success
    }

    private static func revenue(_ arguments: Arguments) async throws -> ExitCode {
        let format = try LedgerOptions.format(arguments)
        var report = RevenueReport(by: try RevenueReport.dimensions(arguments.value(self.by) ?? ""))
        let session = try LedgerSession(path: Main.path(arguments))
        var query = try LedgerOptions.query(arguments, now: session.now)
        query.phases = [.settled]
        var progress = Progress("payments read")
        var count = 0
        try await session.ledger(OpenLedger.reading).forEach(query) { record in
            report.add(record)
            count += 1
            progress.show(count)
        }
        progress.finish()
        var writer = ReportWriter(report.columns, format: format)
        report.print(into: &writer)
        return .success
    }

    private static func debts(_ arguments: Arguments) async throws -> ExitCode {
        let format = try LedgerOptions.format(arguments)
        let session = try LedgerSession(path: Main.path(arguments))
        let query = try LedgerOptions.query(arguments, now: session.now)
        var writer = ReportWriter(DebtsReport.columns, format: format)
        try await DebtsReport.run(
            try session.ledger(OpenLedger.reading), query, all: arguments.has(self.all), into: &writer)
        return .success
    }

    private static func export(_ arguments: Arguments) async throws -> ExitCode {
        let format = try LedgerOptions.exported(arguments)
        let session = try LedgerSession(path: Main.path(arguments))
        let query = try LedgerOptions.query(arguments, now: session.now)
        let ledger = try session.ledger(OpenLedger.reading)
        var progress = Progress("payments exported")
        defer { progress.finish() }
        if arguments.has(self.events) {
            var writer = ReportWriter(EventsReport.columns, format: format)
            try await EventsReport.run(ledger, query, into: &writer) { progress.show($0) }
        } else {
            var writer = ReportWriter(PaymentsReport.columns, format: format)
            try await PaymentsReport.run(ledger, query, .all, into: &writer) { progress.show($0) }
        }
        return .success
    }

    // MARK: - One payment

    private static func show(_ arguments: Arguments) async throws -> ExitCode {
        let format = try LedgerOptions.format(arguments)
        let session = try LedgerSession(path: Main.path(arguments))
        let ledger = try session.ledger(OpenLedger.reading)
        let text = arguments.value(self.payment) ?? ""
        var progress = Progress("payments read")
        let found = try await PaymentLookup(ledger: ledger).find(text) { progress.show($0) }
        progress.finish()
        guard let record = found.first else {
            StandardStreams.writeError("no payment \(EscapedText.singleLine(text))\n")
            return .failure
        }
        guard found.count == 1 else {
            StandardStreams.writeError("\(found.count) payments are meant; name one of them\n")
            var writer = ReportWriter(PaymentsReport.columns, format: format)
            for record in found { writer.add(PaymentsReport.row(record)) }
            writer.finish(empty: "")
            return .failure
        }
        let story = try await self.story(of: record, session, ledger, asksChain: !arguments.has(self.offline))
        switch format {
        case .table: StandardStreams.writeOutput(story.text)
        case .json, .jsonLines: StandardStreams.writeOutput(story.json.text + "\n")
        case .csv:
            var writer = ReportWriter(EventsReport.columns, format: .csv)
            for (number, event) in story.events.enumerated() {
                writer.add(EventsReport.row(event, number + 1, of: record.id))
            }
            writer.finish(empty: "")
        }
        return .success
    }

    private static func story(
        of record: PaymentRecord, _ session: LedgerSession, _ ledger: any PaymentReader, asksChain: Bool
    ) async throws -> PaymentStory {
        var (word, silence): (EVMPaymentWitness.Word?, String?) = (nil, nil)
        if asksChain {
            if let network = try session.networks().first(where: { $0.chain == record.claim.option.network }) {
                do { word = try await EVMPaymentWitness(network: network).word(on: record) } catch { silence = "\(error)" }
            } else {
                silence = "no `rpc` of \(record.claim.option.network) is configured"
            }
        }
        var deposits: [PaymentID] = []
        if let reference = record.claim.key.boughtReference {
            var query = PaymentQuery(limit: PaymentQuery.pageSize)
            query.depositedFor = reference
            deposits = try await ledger.records(query).map(\.id)
        }
        return PaymentStory(
            record: record, events: try await ledger.events(record.id), word: word, silence: silence, now: session.now,
            deposits: deposits)
    }

    // MARK: - The ledger itself

    private static func verify(_ arguments: Arguments) async throws -> ExitCode {
        let session = try LedgerSession(path: Main.path(arguments))
        let (payments, problems): (Int, [String])
        do throws(StoreError) { (payments, problems) = try await OpenLedger.verify(session.configuration) } catch {
            throw LedgerSession.Failure(description: "store: \(error.reason)")
        }
        for problem in problems { StandardStreams.writeOutput(EscapedText.singleLine(problem) + "\n") }
        let verdict = problems.isEmpty ? "the ledger is sound" : "the ledger is not sound"
        StandardStreams.writeOutput("\(payments) payments: \(verdict)\n")
        return problems.isEmpty ? .success : .failure
    }

    // MARK: - The chain

    private static func reconcile(_ arguments: Arguments) async throws -> ExitCode {
        let format = try LedgerOptions.format(arguments)
        let first = try LedgerOptions.block(arguments, self.fromBlock)
        let horizon = try self.horizon(arguments)
        let session = try LedgerSession(path: Main.path(arguments))
        let ledger = try session.ledger(OpenLedger.reading)
        var networks: [ReconcileReport.Network] = []
        for network in try self.networks(session, arguments) {
            networks.append(try await ReconcileReport.compare(session, ledger, network, from: first, to: horizon))
        }
        let report = ReconcileReport(networks: networks)
        switch format {
        case .table: StandardStreams.writeOutput(report.text)
        case .json, .jsonLines: StandardStreams.writeOutput(report.json.text + "\n")
        case .csv:
            var writer = ReportWriter(ReconcileReport.columns, format: .csv)
            report.write(csv: &writer)
        }
        return report.agrees ? .success : .failure
    }

    private static func horizon(_ arguments: Arguments) throws -> EVMReconciliation.Horizon {
        if let last = try LedgerOptions.block(arguments, self.toBlock) { return .block(last) }
        switch arguments.value(self.to) {
        case "finalized": return .finalized
        case "latest": return .latest
        default: throw UsageError("--to is finalized or latest; a number goes with --to-block")
        }
    }

    private static func networks(_ session: LedgerSession, _ arguments: Arguments) throws -> [ExactEVMNetwork] {
        let all = try session.networks()
        let name = arguments.value(LedgerOptions.network)
        let chosen = all.filter { network in name.map { $0 == network.chain.description } ?? true }
        guard !chosen.isEmpty else {
            throw LedgerSession.Failure(
                description: "no `rpc` of \(name ?? "any network") is configured, so that nothing can be compared")
        }
        return chosen
    }

    private static func rebuild(_ arguments: Arguments) async throws -> ExitCode {
        guard let first = try LedgerOptions.block(arguments, self.fromBlock) else {
            throw UsageError("--from-block is needed: the block at which the restored backup was made, or an earlier one")
        }
        let session = try LedgerSession(path: Main.path(arguments))
        let networks = try self.networks(session, arguments)
        guard networks.count == 1, let network = networks.first else {
            throw UsageError("several networks are configured, and blocks are numbered by each: write --network eip155:…")
        }
        let store = try session.ledger(OpenLedger.alone)
        var progress = ProgressLine()
        let rebuild = EVMLedgerRebuild(
            network: network, store: store, assets: session.assets(on: network.chain),
            receivers: session.receivers(on: network.chain),
            signers: (network.signers?.addresses ?? []).map(\.description), owes: arguments.has(self.owed))
        let report = try await rebuild.run(from: first, at: session.now) { block, last in
            if block < last { progress.show("block \(block) of \(last)") }
        }
        progress.finish()
        StandardStreams.writeOutput(RebuildReport.text(report, network: network.chain))
        return report.waiting.isEmpty ? .success : .failure
    }
}
