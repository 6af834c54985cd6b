// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// Leave to pass when something comes between: a slow chain, a proxy that is gone, a payer that is trusted.
@Suite struct AdmissionFlowTests {
    @Test func `a settlement that takes long is 503, and its credential lets pass when it is there, once`() async throws {
        let bench = try AuthBench(.nginx)
        let fields = try await bench.credential("/paid/1")
        bench.bench.chain.isMining = false
        let pending = try #require(try await bench.answer(.post, "/paid/1", fields))
        #expect(pending.status == 503 && pending.code == "settlement_pending" && pending["retry-after"] != nil)
        bench.bench.chain.mine()
        let resumed = try await bench.ask(.post, "/paid/1", fields)
        #expect(resumed.status == 200 && resumed["tollgate-payer"] != nil)
        #expect(try await bench.answer(.post, "/paid/1", fields)?.code == "already_used")
        #expect(bench.bench.chain.transferCount == 1)
    }

    @Test func `leave that may have been given is not given again, and what it cost is owed`() async throws {
        let bench = try AuthBench(.caddy)
        let fields = try await bench.credential("/paid/1")
        let question = bench.question(.get, "/paid/1", fields)
        await bench.auth.handle(
            Request(head: question, peer: AuthBench.proxy), Responder(RecordingResponseChannel.disconnected()))
        #expect(try await bench.bench.records().first?.isServed == false)
        for _ in 0..<2 {
            let again = try #require(try await bench.answer(.get, "/paid/1", fields))
            #expect(again.status == 409 && again.code == "outcome_unknown" && again["tollgate-debt"] != nil)
        }
        #expect(try await bench.bench.records().first?.isOwed == true)
    }

    @Test func `who has paid before is let pass first and settled later; a stranger is settled first`() async throws {
        let bench = try AuthBench(.caddy)
        let stranger = try await bench.ask(.get, "/cheap/1", try await bench.credential("/cheap/1"))
        #expect(stranger.status == 200 && stranger.receipt["transaction"]?.string?.hasPrefix("0x") == true)
        let fields = try await bench.credential("/cheap/1", .init(nonce: 2))
        let known = try await bench.ask(.get, "/cheap/1", fields)
        #expect(known.status == 200 && known.receipt["transaction"] == "" && known["tollgate-payer"] != nil)
        #expect(try await bench.answer(.get, "/cheap/1", fields)?.code == "already_used")
        let records = try await bench.bench.records()
        #expect(records.map(\.claim.policy) == [.before, .deferred] && records.map(\.phase) == [.settled, .queued])
        #expect(bench.bench.chain.transferCount == 1)
    }

    @Test func `a payment for a gateway is worth nothing beside it, and the other way round`() async throws {
        let bench = try AuthBench(.caddy)
        let fields = try await bench.credential("/paid/1")
        #expect(try await bench.ask(.get, "/paid/1", fields).status == 200)
        let other = try Bench(store: bench.bench.store, chain: bench.bench.chain, time: bench.bench.time)
        #expect(try await other.ask(.post, "/paid/1", fields).status == 409)
        #expect(other.upstream.sent.isEmpty)
    }
}
