// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Dispatch
import Testing
import TollGateway
import TollHTTP
import TollPayments
import TollStorePostgres
import TollTestKit

/// Gateways whose ledger is in a real PostgreSQL server: several at once, and while it is gone.
@Suite struct SharedLedgerTests {
    /// Opening blocks, so it has a thread of its own.
    private static func open(_ url: String) async throws -> PostgresPaymentStore {
        try await withCheckedContinuation { (continuation: CheckedContinuation<Result<PostgresPaymentStore, any Error>, Never>) in
            DispatchQueue(label: "tollgate.test.opening").async {
                continuation.resume(returning: Result { try PostgresPaymentStore(url: url, statementTime: .seconds(60)) })
            }
        }.get()
    }

    /// Two gateways on one ledger and one chain.
    private static func withTwo(_ body: (Bench, Bench) async throws -> Void) async throws {
        let url = try await PostgresServer.shared().makeDatabase()
        let (first, second) = (try await Self.open(url), try await Self.open(url))
        let one = try Bench(store: first)
        let other = try Bench(store: second, chain: one.chain, time: one.time)
        for bench in [one, other] { try await bench.stay() }
        try await body(one, other)
        await first.close()
        await second.close()
    }

    @Test func `an answer that one gateway sold, the other gives again, and its upstream is not called`() async throws {
        try await Self.withTwo { one, other in
            let credential = try await one.credential()
            let sold = try await one.pay(credential)
            #expect(sold.status == 200)
            let again = try await other.pay(credential)
            #expect(again.status == 200 && again.body == sold.body)
            #expect(other.upstream.sent.isEmpty)
            #expect(one.chain.transactionCount == 1)
        }
    }

    @Test func `a credential that two gateways are shown at once buys one call and is settled once`() async throws {
        try await Self.withTwo { one, other in
            let credential = try await one.credential()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    let bench = number.isMultiple(of: 2) ? one : other
                    group.addTask { try await bench.pay(credential).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.contains(200))
            #expect(statuses.allSatisfy { [200, 409, 503].contains($0) }, "\(statuses)")
            #expect(one.upstream.sent.count + other.upstream.sent.count == 1)
            #expect(one.chain.transactionCount == 1)
        }
    }

    @Test func `while the ledger's server is gone paid routes answer 503, and when it is back they serve`() async throws {
        let server = try await PostgresServer.start()
        let store = try await Self.open(try await server.makeDatabase())
        let bench = try Bench(store: store)
        #expect(try await bench.pay(try await bench.credential("/paid/1", Bench.Authorization(nonce: 1))).status == 200)

        try await server.process.kill()
        for nonce in 2...4 {
            let answer = try await bench.pay(try await bench.credential("/paid/1", Bench.Authorization(nonce: nonce)))
            #expect(answer.status == 503 && answer["retry-after"] != nil)
        }
        #expect(bench.upstream.sent.count == 1, "nothing is served unpaid")
        #expect(try await bench.ask(.get, "/free/1").status == 200)

        try await server.process.start()
        let credential = try await bench.credential("/paid/1", Bench.Authorization(nonce: 5))
        var status = 503
        for _ in 0..<100 where status == 503 {
            status = try await bench.pay(credential).status
            if status == 503 { try await Task.sleep(for: .milliseconds(100)) }
        }
        #expect(status == 200)
        #expect(bench.chain.transactionCount == 2)
        await store.close()
    }
}
