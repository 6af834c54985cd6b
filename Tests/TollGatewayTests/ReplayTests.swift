// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// One payment, one answer: for the one who claimed it again and again, for nobody else.
@Suite struct ReplayTests {
    private static func expectUsed(_ bench: Bench, _ answer: RecordedResponse) {
        #expect(answer.status == 409)
        #expect(answer.code == "already_used")
        #expect(!answer.text.contains("secret"))
        #expect(answer.json["transaction"]?.string?.hasPrefix("0x") == true)
        #expect(answer.receipt["transaction"] == answer.json["transaction"])
        #expect(bench.upstream.sent.count == 1)
        #expect(bench.chain.transferCount == 1)
        #expect(bench.log.holds("payment used before", "transaction=0x"))
    }

    private static func secretBench(store: any PaymentStore = MemoryPaymentStore()) throws -> Bench {
        try Bench(store: store) { _ in .text(#"{"secret":1}"#) }
    }

    @Test func `the same bytes again are answered from the ledger`() async throws {
        let bench = try Self.secretBench()
        let credential = try await bench.credential()
        let first = try await bench.pay(credential)
        let second = try await bench.pay(credential)
        #expect(first.status == 200 && second.status == 200)
        #expect(first.body == second.body)
        #expect(first.receipt == second.receipt && first.receipt["success"] == true)
        #expect(second["cache-control"] == "private")
        #expect(bench.upstream.sent.count == 1)
        #expect(bench.chain.transferCount == 1)
    }

    @Test func `other JSON for the same authorization is the same payment`() async throws {
        let bench = try Self.secretBench()
        let credential = try await bench.credential()
        #expect(try await bench.pay(credential).status == 200)
        let from = try #require(credential["payload"]?["authorization"]?["from"]?.string)
        let respelled = credential.changing("payload.authorization.from", to: .string(from.lowercased())).changing(
            "more",
            to: true
        )
        #expect(try await bench.pay(respelled).status == 200)
        #expect(bench.upstream.sent.count == 1)
        #expect(bench.chain.transferCount == 1)
    }

    @Test func `without the challenge, or with another, everybody is a stranger`() async throws {
        let bench = try Self.secretBench()
        let credential = try await bench.credential()
        #expect(try await bench.pay(credential).status == 200)
        let other = String(repeating: "0", count: 32)
        for challenge in [nil, .string(other), "", 7] as [JSON?] {
            Self.expectUsed(bench, try await bench.pay(credential.changing("accepted.extra.challenge", to: challenge)))
        }
    }

    @Test func `another route, query, method, body or Accept is another request`() async throws {
        let bench = try Self.secretBench()
        let credential = try await bench.credential()
        #expect(try await bench.pay(.get, "/paid/1", credential, ["Accept": "application/json"]).status == 200)
        Self.expectUsed(bench, try await bench.pay(.get, "/other/1", credential, ["Accept": "application/json"]))
        Self.expectUsed(bench, try await bench.pay(.get, "/paid/2", credential, ["Accept": "application/json"]))
        Self.expectUsed(bench, try await bench.pay(.get, "/paid/1?x", credential, ["Accept": "application/json"]))
        Self.expectUsed(bench, try await bench.pay(.post, "/paid/1", credential, ["Accept": "application/json"]))
        Self.expectUsed(bench, try await bench.pay(.get, "/paid/1", credential, ["Accept": "text/csv"]))
        Self.expectUsed(
            bench,
            try await bench.pay(.get, "/paid/1", credential, ["Accept": "application/json", "Accept-Patch": "x/y"])
        )
        for field in ["Authorization", "Cookie", "Range"] {
            var fields: Fields = ["Accept": "application/json"]
            fields.append(field, "a=1")
            Self.expectUsed(bench, try await bench.pay(.get, "/paid/1", credential, fields))
        }
        Self.expectUsed(
            bench,
            try await bench.pay(.get, "/paid/1", credential, ["Accept": "application/json", "Host": "other.example"])
        )
    }

    @Test func `version 1 has no secret, so its second presentation is refused`() async throws {
        let bench = try Self.secretBench()
        let first = try await bench.ask(.get, "/paid/1", Bench.credential1())
        #expect(first.status == 200)
        #expect(first["x-payment-response"] != nil)
        #expect(first["payment-response"] == nil)
        let second = try await bench.ask(.get, "/paid/1", Bench.credential1())
        Self.expectUsed(bench, second)
        #expect(second["x-payment-response"] != nil)
    }

    @Test func `the other dialect does not make another payment of it`() async throws {
        let bench = try Self.secretBench()
        #expect(try await bench.pay(try await bench.credential()).status == 200)
        Self.expectUsed(bench, try await bench.ask(.get, "/paid/1", Bench.credential1()))
    }

    @Test func `a restart forgets nothing`() async throws {
        let store = MemoryPaymentStore()
        let before = try Self.secretBench(store: store)
        let credential = try await before.credential()
        #expect(try await before.pay(credential).status == 200)
        let after = try Bench(store: store, chain: before.chain, time: before.time) { _ in .text("never called") }
        let again = try await after.pay(credential)
        #expect(again.status == 200)
        #expect(again.text == #"{"secret":1}"#)
        #expect(after.upstream.sent.isEmpty)
        let stranger = try await after.pay(credential.changing("accepted.extra.challenge", to: nil))
        #expect(stranger.status == 409 && stranger.code == "already_used")
        #expect(after.upstream.sent.isEmpty)
        #expect(before.chain.transferCount == 1)
    }

    @Test func `two hundred at once are one call and one settlement`() async throws {
        let bench = try Bench(sleepPasses: false) { _ in
            for _ in 0..<20 { await Task.yield() }
            return .text(#"{"secret":1}"#)
        }
        let credential = try await bench.credential()
        let answers = try await withThrowingTaskGroup(of: RecordedResponse.self) { group in
            for _ in 0..<200 { group.addTask { try await bench.pay(credential) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.status == 200 && $0.text == #"{"secret":1}"# })
        #expect(bench.upstream.sent.count == 1)
        #expect(bench.chain.transferCount == 1)
        #expect(bench.chain.transactionCount == 1)
        #expect(try await bench.records().count == 1)
    }

    @Test func `two hundred of version 1 at once: one is served`() async throws {
        let bench = try Bench(sleepPasses: false)
        let answers = try await withThrowingTaskGroup(of: RecordedResponse.self) { group in
            for _ in 0..<200 { group.addTask { try await bench.ask(.get, "/paid/1", Bench.credential1()) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.filter { $0.status == 200 }.count == 1)
        #expect(answers.filter { $0.code == "already_used" }.count == 199)
        #expect(bench.upstream.sent.count == 1)
        #expect(bench.chain.transferCount == 1)
    }

    @Test func `answers too large to keep, or kept by no route, are called for again for ten minutes`() async throws {
        for target in ["/paid/1", "/unstored/1"] {
            let body = String(repeating: "x", count: target == "/paid/1" ? (1 << 20) + 1 : 3)
            let bench = try Bench { _ in .text(body) }
            let credential = try await bench.credential(target)
            #expect(try await bench.pay(.get, target, credential).body.count == body.utf8.count)
            #expect(try await bench.pay(.get, target, credential).body.count == body.utf8.count)
            #expect(bench.upstream.sent.count == 2)
            #expect(
                bench.upstream.sent[0].fields.firstText("tollgate-payment-id")
                    == bench.upstream.sent[1].fields.firstText("tollgate-payment-id")
            )
            bench.time.advance(by: .seconds(600))
            #expect(try await bench.pay(.get, target, credential).status == 200)
            bench.time.advance(by: .seconds(1))
            #expect(try await bench.pay(.get, target, credential).code == "already_used")
            #expect(bench.upstream.sent.count == 3)
            #expect(bench.chain.transferCount == 1)
            let record = try #require(try await bench.records().first)
            #expect(record.isServed && !record.isOwed)
        }
    }

    @Test func `what was served and cannot be had again is no debt`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential("/unstored/1")
        #expect(try await bench.pay(.post, "/unstored/1", credential).status == 200)
        #expect(try await bench.pay(.post, "/unstored/1", credential).code == "already_used")
        #expect(try await bench.records().allSatisfy { !$0.isOwed })
        #expect(bench.upstream.sent.count == 1)
    }

    @Test func `a body over a mebibyte streams, and its request is never the same as another`() async throws {
        let bench = try Bench { sent in .text("\(sent.body.count)") }
        let credential = try await bench.credential()
        let body = [UInt8](repeating: 7, count: (1 << 20) + 1)
        let first = try await bench.pay(.post, "/paid/1", credential, body: BodyStream(body))
        #expect(first.status == 200 && first.text == "\(body.count)")
        let second = try await bench.pay(.post, "/paid/1", credential, body: BodyStream(body))
        #expect(second.code == "already_used")
        let chunked = try await bench.credential("/paid/1", Bench.Authorization(nonce: 2))
        let pieces = Mutex(Array(repeating: [UInt8](repeating: 1, count: 1 << 19), count: 3))
        let stream = BodyStream { pieces.withLock { $0.popLast() } }
        #expect(try await bench.pay(.post, "/paid/1", chunked, body: stream, framing: .chunked).text == "\(3 << 19)")
        #expect(bench.upstream.sent.count == 2)
    }

    @Test func `a body up to a mebibyte is part of the request`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential()
        let body = [UInt8](repeating: 7, count: 1 << 20)
        #expect(try await bench.pay(.post, "/paid/1", credential, body: BodyStream(body)).status == 200)
        #expect(try await bench.pay(.post, "/paid/1", credential, body: BodyStream(body)).status == 200)
        #expect(try await bench.pay(.post, "/paid/1", credential, body: BodyStream([7])).code == "already_used")
        #expect(bench.upstream.sent.count == 1)
    }

    /// After a crash two gateways of one ledger may both call again.
    @Test func `an answer that another process wrote first is the one that is given`() async throws {
        let first = StoredAnswer(status: 200, fields: [], body: Array("the first".utf8))
        let bench = try Bench(store: OvertakenStore(wrapped: MemoryPaymentStore(), first: first))
        let credential = try await bench.credential("/first/1")
        for _ in 0..<2 {
            let answer = try await bench.pay(.get, "/first/1", credential)
            #expect(answer.status == 200 && answer.body == first.body)
        }
        #expect(bench.upstream.sent.count == 1 && bench.chain.transactionCount == 1)
    }
}

/// A ledger into which another process writes its answer just before this one does.
private struct OvertakenStore: WrappingPaymentStore {
    let wrapped: any PaymentStore
    let first: StoredAnswer

    @discardableResult
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        for entry in entries {
            guard case .answered? = entry.events.first else { continue }
            try await self.wrapped.append([.answered(self.first)], to: entry.payment, at: time)
        }
        return try await self.wrapped.append(entries, at: time)
    }
}
