// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollHTTPEngine
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollStoreSQLite

/// `tollgate ledger`: what was paid, what happened to one payment, and whether the chain agrees.
enum LedgerCommand {
    private static let payment = Parameter.argument("id", help: "The payment: 64 hexadecimal digits.")
    private static let fromBlock = Parameter.option("from-block", "number", default: "0", help: "The first block to compare.")

    static func command(_ configuration: Parameter) -> Command {
        Command(
            "ledger", summary: "Shows the ledger, and holds it against the chain.",
            subcommands: [
                Command("payments", summary: "Every payment, oldest first.", parameters: [configuration]) {
                    try await self.payments(Main.path($0))
                },
                Command("show", summary: "What happened to one payment.", parameters: [configuration, payment]) {
                    try await self.show(Main.path($0), $0.value(payment) ?? "")
                },
                Command(
                    "reconcile", summary: "Compares the ledger with the chain's Transfer logs.",
                    parameters: [configuration, fromBlock]
                ) {
                    try await self.reconcile(Main.path($0), from: $0.value(fromBlock) ?? "0")
                },
            ])
    }

    private static func open(_ path: String) throws -> (Configuration, SQLitePaymentReader)? {
        guard let configuration = CheckCommand.read(path, secrets: self.secrets) else { return nil }
        return (configuration, try SQLitePaymentReader(path: configuration.storePath))
    }

    /// Looking at a ledger takes no key: one that is not at hand is stood in for.
    private static let secrets = SecretSource(
        variable: { EnvironmentVariables.value(of: $0) ?? String(repeating: "1", count: 64) },
        file: { (path) throws(FileError) in
            do { return try FileContents.read(path, byteCountMax: SecretSource.fileByteCountMax) } catch {
                return Array(String(repeating: "1", count: 64).utf8)
            }
        })

    private static func payments(_ path: String) async throws -> ExitCode {
        guard let (_, ledger) = try self.open(path) else { return .failure }
        let records = try await ledger.records(PaymentQuery(limit: .max))
        StandardStreams.writeOutput(LedgerTables.payments(records))
        return .success
    }

    private static func show(_ path: String, _ text: String) async throws -> ExitCode {
        guard let id = PaymentID(text) else { throw UsageError("\"\(text)\" is no payment; it has 64 hexadecimal digits") }
        guard let (_, ledger) = try self.open(path) else { return .failure }
        guard let record = try await ledger.record(id) else {
            StandardStreams.writeError("no payment \(id)\n")
            return .failure
        }
        StandardStreams.writeOutput(LedgerTables.payments([record]))
        StandardStreams.writeOutput("\n" + LedgerTables.events(try await ledger.events(id)))
        return .success
    }

    private static func reconcile(_ path: String, from text: String) async throws -> ExitCode {
        guard let first = UInt64(text) else { throw UsageError("--from-block \(text) is no number") }
        guard let (configuration, ledger) = try self.open(path) else { return .failure }
        let records = try await ledger.records(PaymentQuery(in: [.settled, .signed, .broadcast, .unknown], limit: .max))
        let loops = try EventLoopGroup(count: 1)
        let networks = try Assembly.networks(configuration, client: EngineHTTPClient(group: loops), environment: .live)
        var agrees = true
        for network in networks {
            let report = try await self.compare(configuration, network, records, from: first)
            StandardStreams.writeOutput(LedgerTables.reconciliation(report, network: network.chain))
            agrees = agrees && report.differences.isEmpty
        }
        return agrees ? .success : .failure
    }

    /// The comparison on one network, of every asset and receiver that the configuration names.
    static func compare(
        _ configuration: Configuration, _ network: ExactEVMNetwork, _ records: [PaymentRecord], from first: UInt64
    ) async throws -> EVMReconciliation.Report {
        let assets = configuration.networks.filter { $0.id == network.chain }.flatMap(\.assets).map(\.token.address)
        let settled = records.filter { $0.claim.option.network == network.chain }.map(\.claim.option)
        let receivers =
            configuration.routes.flatMap(\.options).filter { $0.network == network.chain }.map(\.payTo) + settled.map(\.payTo)
        var progress = ProgressLine()
        defer { progress.finish() }
        return try await EVMReconciliation(
            network: network, assets: Set((assets + settled.map(\.asset.address)).compactMap { Address(hex: $0) }),
            receivers: Set(receivers.compactMap { Address(hex: $0) }),
            signers: Set(
                records.compactMap { $0.transaction.flatMap { Address(hex: $0.signer) } } + (network.signers?.addresses ?? []))
        ).run(records, from: first) { block, last in
            if block < last { progress.show("block \(block) of \(last)") }
        }
    }
}
