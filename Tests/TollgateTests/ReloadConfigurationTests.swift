// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollRuntime

@testable import tollgate

@Suite struct ReloadConfigurationTests {
    private func read(_ text: String) throws -> Configuration { try #require(Fixture.read(text).configuration) }

    @Test func `prices, routes, upstreams and limits are taken up`() throws {
        let running = try self.read(Fixture.text())
        let new = try self.read(
            Fixture.text(
                top: "limits: {connections: 5}\nsettle_wait: 5s", upstreams: "upstreams: {weather: \"http://127.0.0.1:9001\"}",
                route: "{match: GET /weather/*, upstream: weather, price: $0.002}"))
        let (taken, needRestart) = new.takenUp(by: running)
        #expect(needRestart.isEmpty)
        #expect(taken.limits.connections == 5 && taken.settleWait == .seconds(5))
        #expect(taken.routes.first?.options.first?.amount == 2_000)
        #expect(taken.upstreams.first?.url.text == "http://127.0.0.1:9001")
    }

    @Test func `what only a restart changes is named, and stays`() throws {
        let running = try self.read(Fixture.text(top: "admin: {listen: 127.0.0.1:4021}"))
        let new = try self.read(
            Fixture.text(
                top: """
                    listen: 127.0.0.1:5020
                    admin: {listen: 127.0.0.1:5021, token: env:TOKEN}
                    store: sqlite:other.db
                    workers: 3
                    deferred: {max_age: 10s, batch_size: 5, exposure: {total: $5}}
                    """, network: "eip155:84532: {rpc: \"http://127.0.0.1:9999\"}"))
        let (taken, needRestart) = new.takenUp(by: running)
        #expect(
            needRestart == [
                "admin.listen", "deferred.batch_size", "deferred.max_age", "listen", "networks", "store", "workers",
            ])
        #expect(taken.listen.map(\.fixed) == running.listen.map(\.fixed) && taken.workers == nil)
        #expect(taken.admin?.listen.map(\.fixed) == running.admin?.listen.map(\.fixed) && taken.admin?.token != nil)
        #expect(taken.networks.first?.rpc.map(\.text) == ["http://127.0.0.1:8545"])
        #expect(taken.deferral.maxAge == .seconds(30) && taken.deferral.batchSize == 100)
        #expect(taken.deferral.limits.total == 5_000_000)
    }

    @Test func `another order and other comments change nothing`() throws {
        let running = try self.read(Fixture.text(network: "eip155:84532: {rpc: \"http://127.0.0.1:8545\", confirmations: 1}"))
        let new = try self.read(
            Fixture.text(top: "# hello", network: "eip155:84532: {confirmations: 1, rpc: \"http://127.0.0.1:8545\"} # there"))
        #expect(new.takenUp(by: running).needRestart.isEmpty)
    }

    @Test func `a network that the process was not started with is not offered`() throws {
        let running = try self.read(Fixture.text())
        let new = try self.read(
            Fixture.text(
                network: "eip155:84532: {rpc: \"http://127.0.0.1:8545\"}\n  eip155:8453: {rpc: \"http://127.0.0.1:8546\"}"))
        #expect(new.unpayable(for: running).sorted.map(\.message) == ["USDC on eip155:8453 can only be taken after a restart"])
        #expect(!running.unpayable(for: running).hasErrors)
    }
}
