// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollHTTP
import TollHTTPEngine
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollStoreSQLite

/// The market: chain, API, gateway with its facilitator, and agents that buy with the real `toll`.
final class DemoMarket: Sendable {
    /// One purchase of the script.
    private struct Purchase {
        let who: String
        let path: String
        let expectedStatus: Int32
    }

    private static let script = [
        Purchase(who: "payer", path: "/weather/paris", expectedStatus: 0),
        Purchase(who: "payer", path: "/weather/tokyo", expectedStatus: 0),
        Purchase(who: "payer2", path: "/weather/lima", expectedStatus: 0),
        Purchase(who: "payer2", path: "/forecast/oslo", expectedStatus: 0),
        Purchase(who: "poor", path: "/forecast/oslo", expectedStatus: 21),
    ]

    let services: ServiceGroup
    let gatewayURL: String
    private let chain: DemoChain
    private let assembly: Assembly
    private let weather: HTTPServer
    private let directory: TemporaryDirectory

    init(loops: EventLoopGroup) async throws {
        let chain = try DemoChain()
        self.weather = try await HTTPServer(group: loops, host: "127.0.0.1", port: 0, handler: DemoWeather())
        let free = try await HTTPServer(group: loops, host: "127.0.0.1", port: 0, handler: DemoWeather())
        await free.drain(within: .zero)
        self.gatewayURL = "http://127.0.0.1:\(free.port)"
        self.directory = try TemporaryDirectory(prefix: "tollgate-demo")
        let signer = try chain.account("facilitator").key
        let text = Self.configuration(
            gateway: free.port, upstream: self.weather.port, rpc: chain.url, payTo: try chain.account("merchant").address,
            store: self.directory.path + "/ledger.db")
        let secrets = SecretSource(
            variable: { $0 == "TOLLGATE_EVM_KEY" ? signer : nil },
            file: { (path) throws(FileError) in throw FileError(path: path, reason: "the demo has no secret files") })
        let (configuration, findings) = ConfigurationReader.read(
            Array(text.utf8), file: "tollgate.yaml", table: .known, secrets: secrets)
        guard let configuration else { throw Assembly.Failure(description: findings.text) }
        let log = Logger(level: .error, clock: Environment.live.wallClock)
        self.assembly = try Assembly(configuration, group: loops, environment: .live, log: log)
        self.services = try await ServeCommand.services(.gateway, self.assembly, loops)
        self.chain = chain
        DemoPrinter.heading("A seller's whole configuration")
        DemoPrinter.indented(text)
    }

    private static func configuration(gateway: UInt16, upstream: UInt16, rpc: String, payTo: Address, store: String) -> String {
        """
        listen: 127.0.0.1:\(gateway)
        store: sqlite:\(store)
        networks:
          eip155:84532: {rpc: [\(rpc)]}
        pay_to: {eip155: "\(payTo)"}
        facilitator: {signers: {eip155: ["env:TOLLGATE_EVM_KEY"]}}
        upstreams: {weather: "http://127.0.0.1:\(upstream)"}
        routes:
          - {match: GET /weather/*, upstream: weather, price: $0.001, description: Weather by city}
          - {match: GET /forecast/*, upstream: weather, price: $0.01, description: Ten days ahead, settle: before}
        """
    }

    /// Buys, and shows who paid what and whether ledger and chain agree. True when everything went as it should.
    func trade() async throws -> Bool {
        let names = ["payer", "payer2", "poor", "merchant"]
        let before = try await self.balances(names)
        var isRight = true
        DemoPrinter.heading("Agents buy")
        for purchase in Self.script { isRight = try self.buy(purchase) && isRight }
        let records = try await self.assembly.store.records(PaymentQuery(limit: .max))
        DemoPrinter.heading("Who paid what")
        DemoPrinter.indented(self.payments(records))
        DemoPrinter.heading("Balances, in USDC")
        let after = try await self.balances(names)
        var table = TextTable(["account", "before", "after", "change"], alignments: [.left, .right, .right, .right])
        for name in names {
            table.add([name, Self.usdc(before[name]), Self.usdc(after[name]), Self.change(before[name], after[name])])
        }
        DemoPrinter.indented(table.text)
        DemoPrinter.heading("The ledger against the chain's Transfer logs")
        for network in self.assembly.networks {
            let session = LedgerSession(configuration: self.assembly.configuration)
            let compared = try await ReconcileReport.compare(session, self.assembly.store, network, from: nil, to: .latest)
            let (report, paid) = (compared.report, Self.script.count { $0.expectedStatus == 0 })
            DemoPrinter.indented(ReconcileReport(networks: [compared]).text)
            isRight = isRight && report.differences.isEmpty && report.settlementCount == paid
        }
        return isRight
    }

    private func payments(_ records: [PaymentRecord]) -> String {
        var table = TextTable(["paid", "by", "for", "transaction", "block"], alignments: [.right])
        for record in records.sorted(by: { ($0.settlement?.block ?? .max) < ($1.settlement?.block ?? .max) }) {
            table.add([
                record.claim.option.display, record.claim.payer, record.claim.route,
                record.settlement?.transaction ?? record.phase.rawValue,
                record.settlement.map { "\($0.block)" } ?? "",
            ])
        }
        return table.text
    }

    /// Runs the buyer's program, as an agent would.
    private func buy(_ purchase: Purchase) throws -> Bool {
        let account = try self.chain.account(purchase.who)
        let url = self.gatewayURL + purchase.path
        var toll = try ChildProcess(
            self.tollPath, ["get", url, "--json"],
            environment: [
                "TOLL_EVM_KEY": account.key, "TOLL_HOME": self.directory.path + "/" + purchase.who,
                "TOLL_RPC_eip155_84532": self.chain.url,
            ])
        let (status, output) = toll.finish()
        DemoPrinter.indented("\(purchase.who): toll get \(url)")
        DemoPrinter.indented("  " + self.outcome(output, status))
        return status == purchase.expectedStatus
    }

    private func outcome(_ output: [UInt8], _ status: Int32) -> String {
        guard let json = try? JSON(parsing: output) else { return "exit \(status)" }
        if let message = json["error"]?["message"]?.string { return "refused (exit \(status)): \(message)" }
        return "paid \(json["paid"]?["display"]?.string ?? "nothing"): \(json["body"]?.string ?? json["body"]?.text ?? "")"
    }

    /// `toll` stands beside this program.
    private var tollPath: String {
        let own = CommandLine.arguments[0]
        return own.contains("/")
            ? own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/toll" : "toll"
    }

    private func balances(_ names: [String]) async throws -> [String: UInt256] {
        guard let network = self.assembly.networks.first,
            let asset = self.assembly.configuration.routes.first?.options.first.flatMap({ Address(hex: $0.asset.address) })
        else { return [:] }
        var balances: [String: UInt256] = [:]
        for name in names {
            let data = ERC20.balance(of: try self.chain.account(name).address)
            balances[name] = ABI.integer(returned: try await network.client.ask(.call(CallMessage(to: asset, data: data))))
        }
        return balances
    }

    private static func usdc(_ units: UInt256?) -> String { DecimalAmount(units: units ?? 0, decimals: 6).description }

    private static func change(_ before: UInt256?, _ after: UInt256?) -> String {
        let (before, after) = (before ?? 0, after ?? 0)
        if let gain = after.subtracting(before) { return gain == 0 ? "0" : "+" + self.usdc(gain) }
        return "-" + self.usdc(before.subtracting(after))
    }
}
