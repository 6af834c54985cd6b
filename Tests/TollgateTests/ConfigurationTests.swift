// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollPayments
import TollPrimitives
import TollRuntime

@testable import tollgate

@Suite struct ConfigurationTests {
    /// The example of the documentation, without the features of later versions.
    private static let example = """
        listen: 127.0.0.1:4020
        public_url: http://127.0.0.1:4020          # origin of the resource URLs that clients see and sign
        admin:  {listen: 127.0.0.1:4021}           # health, readiness, metrics, page
        store:  sqlite:tollgate.db
        workers: 2                                 # loops; default: cores
        networks:
          eip155:84532:
            rpc: [http://127.0.0.1:8545]           # several: tried in turn
            confirmations: 1                       # number, safe, finalized
            erc6492_factories: []                  # allowed factories of counterfactual wallets
            assets:                                # known networks bring their own
              USDC: {address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", decimals: 6, name: USDC, version: "2"}
        pay_to:
          eip155: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
        facilitator:
          signers: {eip155: ["env:TOLLGATE_EVM_KEY"]}   # settle ourselves
        accept: [x402, x402-v1]
        settle_wait: 30s
        limits: {header_bytes: 16KiB, body_bytes: 64MiB, connections: 10000, header_time: 10s, idle_time: 75s}
        cors: {origins: ["*"]}
        upstreams:
          weather: http://127.0.0.1:9000
        routes:                                    # first match wins
          - {match: GET /health, upstream: weather, free: true}
          - match: GET /weather/*                  # METHOD optional; *, **, {name}
            upstream: weather
            price: $0.001
            description: Weather by city
            settle: after
            max_timeout: 300s
        """

    @Test func `the documentation's example is a configuration without findings`() throws {
        let (read, findings) = Fixture.read(Self.example)
        #expect(findings.text.isEmpty)
        let configuration = try #require(read)
        #expect(configuration.listen.map(\.location.description) == ["127.0.0.1:4020"])
        #expect(configuration.publicURL.origin == "http://127.0.0.1:4020")
        #expect(configuration.admin?.listen.map(\.location.description) == ["127.0.0.1:4021"])
        guard case .sqlite("tollgate.db") = configuration.store else { Issue.record("another store"); return }
        #expect(configuration.workers == 2)
        let network = try #require(configuration.networks.first)
        #expect(network.id == Fixture.baseSepolia)
        #expect(network.rpc.map(\.text) == ["http://127.0.0.1:8545"])
        #expect(network.confirmations == .blocks(1))
        #expect(network.assets.map(\.place) == [.init(path: "networks.eip155:84532.assets.USDC", line: 12)])
        #expect(configuration.facilitator?.signers.first?.key.reference == .environment("TOLLGATE_EVM_KEY"))
        #expect(configuration.settleWait == .seconds(30))
        #expect(configuration.limits.bodyBytes == 67_108_864)
        #expect(configuration.cors == .anyOrigin)
        #expect(configuration.upstream(named: "weather")?.url.port == 9_000)

        #expect(configuration.routes.map(\.isFree) == [true, false])
        let route = configuration.routes[1]
        #expect(route.pattern.description == "GET /weather/*")
        #expect(route.settle == SettleRule(.after))
        #expect(route.maxTimeout == .seconds(300))
        #expect(route.dialects == [.x402, .x402v1])
        #expect(route.place == .init(path: "routes[1]", line: 25))
        let option = try #require(route.options.first)
        #expect(route.options.count == 1)
        #expect(option.network == Fixture.baseSepolia)
        #expect(option.amount == 1_000)
        #expect(option.asset.address == Fixture.usdcOnBaseSepolia)
        #expect(option.asset.eip712Name == "USDC")
        #expect(option.asset.eip712Version == "2")
        #expect(option.payTo == Fixture.receiver)
    }

    @Test func `what is not said has the documented default`() throws {
        let (read, findings) = Fixture.read(Fixture.text())
        #expect(findings.text.isEmpty)
        let configuration = try #require(read)
        #expect(configuration.listen.map(\.location.description) == ["127.0.0.1:4020"])
        #expect(configuration.publicURL.origin == "http://127.0.0.1:4020")
        #expect(configuration.admin == nil)
        guard case .sqlite("tollgate.db") = configuration.store else { Issue.record("another store"); return }
        #expect(configuration.workers == nil)
        #expect(configuration.settleWait == .seconds(30))
        #expect(configuration.limits.headerBytes == 16_384)
        #expect(configuration.limits.connections == 10_000)
        #expect(configuration.limits.headerTime == .seconds(10))
        #expect(configuration.limits.idleTime == .seconds(75))
        let route = try #require(configuration.routes.first)
        #expect(!route.isIdempotent)
        #expect(route.storesAnswers)
        #expect(route.settle == SettleRule(.after))
        #expect(route.maxTimeout == .seconds(300))
    }

    /// Each option as `symbol@chain amount → receiver's first digits`.
    private static func options(_ text: String) -> [String] {
        (Fixture.read(text).configuration?.routes.first?.options ?? []).map {
            "\($0.asset.symbol)@\($0.network.reference) \($0.amount) \($0.payTo.prefix(6))"
        }
    }

    private static let twoNetworks = """
        eip155:8453: {rpc: ["https://a.example", "env:RPC"]}
          eip155:84532: {rpc: "http://127.0.0.1:8545"}
        """

    @Test(arguments: [
        ("price: $0.5", ["USDC@8453 500000 0x2096", "USDC@84532 500000 0x2096"]),
        ("price: $0.5, networks: [eip155:84532]", ["USDC@84532 500000 0x2096"]),
        ("price: $0.5, networks: eip155:8453", ["USDC@8453 500000 0x2096"]),
        ("price: $12, assets: [USDC]", ["USDC@8453 12000000 0x2096", "USDC@84532 12000000 0x2096"]),
        ("price: {amount: \"7\", asset: EURC, network: \"eip155:8453\"}", ["EURC@8453 7 0x2096"]),
        (
            "price: [$1, {amount: \"7\", asset: EURC, network: \"eip155:8453\"}], networks: [eip155:8453]",
            ["USDC@8453 1000000 0x2096", "EURC@8453 7 0x2096"]
        ),
        (
            "price: $1, pay_to: \"0x857b06519E91e3A54538791bDbb0E22373e36b66\"",
            ["USDC@8453 1000000 0x857b", "USDC@84532 1000000 0x857b"]
        ),
        (
            "price: $1, pay_to: {\"eip155:8453\": \"0x857b06519E91e3A54538791bDbb0E22373e36b66\"}",
            ["USDC@8453 1000000 0x857b", "USDC@84532 1000000 0x2096"]
        ),
        ("price: $0.000001", ["USDC@8453 1 0x2096", "USDC@84532 1 0x2096"]),
    ])
    func `a price becomes amounts on every network and in every asset it is offered in`(price: String, options: [String]) {
        let route = "{match: /a, upstream: weather, \(price)}"
        #expect(Self.options(Fixture.text(network: Self.twoNetworks, route: route)) == options)
    }

    @Test func `assets of one's own join the known ones, or replace them in place`() throws {
        let network = """
            eip155:8453:
                rpc: env:RPC
                assets:
                  MYUSD: {address: "0x857b06519E91e3A54538791bDbb0E22373e36b66", decimals: 18, name: My, version: "1", \
            dollar: true}
                  USDC: {version: "9"}
            """
        let route = "{match: /a, upstream: weather, price: $1, assets: [MYUSD]}"
        let configuration = try #require(Fixture.read(Fixture.text(network: network, route: route)).configuration)
        #expect(configuration.networks[0].assets.map(\.token.symbol) == ["USDC", "EURC", "MYUSD"])
        #expect(configuration.networks[0].assets[0].token.eip712Name == "USD Coin")
        #expect(configuration.networks[0].assets[0].token.eip712Version == "9")
        #expect(configuration.networks[0].assets[0].place.line == 7)
        #expect(configuration.networks[0].assets[1].place.line == 3)
        let option = try #require(configuration.routes[0].options.first)
        #expect(option.amount.description == "1000000000000000000")
        #expect(option.asset.transferMethod == .eip3009)
    }

    @Test func `an asset that is paid through Permit2 cannot be priced yet`() {
        let network =
            "eip155:8453: {rpc: env:RPC, assets: {P: {address: \"0x857b06519E91e3A54538791bDbb0E22373e36b66\", decimals: 6, "
            + "name: P, version: \"1\", dollar: true, method: permit2}}}"
        let route = "{match: /a, upstream: weather, price: $1, assets: [P]}"
        let reading = Fixture.read(Fixture.text(network: network, route: route))
        #expect(reading.configuration == nil)
        #expect(
            reading.findings.text.contains("P on eip155:8453 is paid through Permit2, which is not available in this version"))
    }

    @Test func `an RPC URL from the environment prints without its key`() throws {
        let network = "eip155:84532: {rpc: env:RPC, confirmations: finalized}"
        let configuration = try #require(Fixture.read(Fixture.text(network: network)).configuration)
        #expect(configuration.networks[0].rpc[0].text == "https://rpc.example/v2/provider-key")
        #expect("\(configuration.networks[0].rpc)" == "[https://rpc.example]")
        #expect(configuration.networks[0].confirmations == .finalized)
    }

    @Test func `remote facilitators are asked in order, with their secret headers`() throws {
        let facilitator = """
            facilitator:
              remote: [{url: "https://first.example/x402", headers: {Authorization: env:TOKEN}}, https://second.example]
            """
        let configuration = try #require(Fixture.read(Fixture.text(facilitator: facilitator)).configuration)
        let remotes = try #require(configuration.facilitator?.remotes)
        #expect(remotes.map(\.url.text) == ["https://first.example/x402", "https://second.example"])
        #expect(remotes[0].headers.map(\.name) == ["Authorization"])
        #expect(remotes[0].headers[0].value.value.withExposed { $0 } == "a-long-token")
        #expect(!"\(configuration)".contains("a-long-token"))
    }

    @Test func `a facilitator may serve others behind tokens or for named receivers`() throws {
        let facilitator = """
            facilitator:
              signers: {eip155: [env:TOLLGATE_EVM_KEY, env:OTHER_KEY]}
              serve:
                {listen: "0.0.0.0:4022", tokens: [env:TOKEN], pay_to: ["\(Fixture.receiver)"], assets: [USDC],
                 gas_per_hour: 5000000}
            """
        let (read, findings) = Fixture.read(Fixture.text(facilitator: facilitator))
        #expect(findings.text.isEmpty)
        let serve = try #require(read?.facilitator?.serve)
        #expect(serve.listen.map(\.location.description) == ["0.0.0.0:4022"])
        #expect(serve.tokens.count == 1)
        #expect(serve.payTo == [Fixture.receiver])
        #expect(serve.assets == ["USDC"])
        #expect(serve.gasPerHour == 5_000_000)
        #expect(read?.facilitator?.signers.count == 2)
    }

    @Test func `a later finding names the place`() throws {
        let configuration = try #require(Fixture.read(Fixture.text()).configuration)
        let finding = configuration.finding(.error, at: configuration.networks[0].assets[0].place, "differs on chain")
        #expect(finding.description == "tollgate.yaml:3: error: networks.eip155:84532: differs on chain")
    }

    @Test func `a file that cannot be read is one finding`() {
        let (configuration, findings) = ConfigurationReader.read(path: "/nowhere/t.yaml", table: Fixture.table)
        #expect(configuration == nil)
        #expect(
            findings.text
                == "/nowhere/t.yaml: error: cannot be read: No such file or directory; name another file with `--config`\n"
        )
    }
}
