// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollTestKit

/// When the money moves, when it does not, and what is told.
@Suite struct SettlementFlowTests {
    // MARK: - After

    @Test(arguments: [304, 400, 404, 418, 500, 503])
    func `after: an answer that is no success passes and costs nothing, three times`(status: Int) async throws {
        let bench = try Bench { _ in .text(status == 304 ? "" : "no", status: status) }
        let credential = try await bench.credential()
        for attempt in 1...3 {
            let answer = try await bench.pay(credential)
            #expect(answer.status == status)
            #expect(answer.text == (status == 304 ? "" : "no"))
            #expect(answer["payment-response"] == nil)
            #expect(bench.upstream.sent.count == attempt)
        }
        #expect(try await bench.pay(credential).code == "already_used")
        #expect(bench.upstream.sent.count == 3)
        #expect(bench.chain.transactionCount == 0)
        #expect(bench.log.holds("not charged", "status=\(status)"))
    }

    @Test(arguments: [
        (HTTPError.Code.connectFailed, 502, "upstream_failed"), (.timedOut, 504, "upstream_timeout"),
        (.malformed, 502, "upstream_failed"),
    ])
    func `after: an upstream that fails costs nothing`(code: HTTPError.Code, status: Int, problem: String) async throws {
        let bench = try Bench { _ throws(HTTPError) in throw HTTPError(code, "10.0.0.3:9000 refused") }
        let answer = try await bench.pay(try await bench.credential())
        #expect(answer.status == status && answer.code == problem)
        #expect(answer["payment-response"] == nil && answer["tollgate-debt"] == nil)
        #expect(!answer.text.contains("10.0.0.3"))
        #expect(bench.chain.transactionCount == 0)
        #expect(try await bench.records().first?.phase == .released)
        #expect(bench.log.holds("upstream failed", "10.0.0.3"))
    }

    @Test func `after: the answer is on disk before the settlement is sent, and the answer leaves after it`() async throws {
        let bench = try Bench()
        let answer = try await bench.pay(try await bench.credential())
        #expect(answer.status == 200)
        let record = try #require(try await bench.records().first)
        let events = try await bench.store.events(record.id).map(\.event.name)
        #expect(events == ["claimed", "answered", "signed", "broadcast", "settled", "served"])
        #expect(answer.receipt["success"] == true)
        #expect(answer.receipt["transaction"]?.string == record.settlement?.transaction)
        #expect(answer.receipt["network"] == "eip155:84532")
        #expect(answer.receipt["payer"]?.string == Bench.payer.address.description)
        #expect(bench.log.holds("paid", "payment=\(record.id)", "transaction=0x"))
    }

    @Test func `a settlement that reverts is a 402 with the receipt, and nothing is served`() async throws {
        let bench = try Bench { _ in .text("secret") }
        let credential = try await bench.credential()
        // Verified with money; spent elsewhere before it settles.
        bench.chain.isMining = false
        bench.chain.setFault { method, _ in
            if method == "eth_sendRawTransaction" { bench.chain.mint(0, to: Bench.payer.address) }
            return nil
        }
        bench.chain.isMining = true
        let answer = try await bench.pay(credential)
        #expect(answer.status == 402)
        #expect(answer.receipt["success"] == false)
        #expect(answer.receipt["errorReason"] == "transaction_failed")
        #expect(answer.receipt["transaction"]?.string?.hasPrefix("0x") == true)
        #expect(answer["payment-required"] != nil)
        #expect(!answer.text.contains("secret"))
        #expect(try await bench.records().first?.phase == .failed)
        #expect(bench.log.holds("settlement failed", "reason=transaction_failed"))
    }

    // MARK: - Before

    @Test(arguments: [500, 502, 503])
    func `before: a server error is a debt`(status: Int) async throws {
        let bench = try Bench { _ in .text("stack trace", status: status) }
        let answer = try await bench.pay(.get, "/first/1", try await bench.credential("/first/1"))
        try await Self.expectDebt(bench, answer)
    }

    @Test(arguments: [HTTPError.Code.timedOut, .connectFailed, .disconnected])
    func `before: an upstream that fails is a debt`(code: HTTPError.Code) async throws {
        let bench = try Bench { _ throws(HTTPError) in throw HTTPError(code, "") }
        let answer = try await bench.pay(.get, "/first/1", try await bench.credential("/first/1"))
        try await Self.expectDebt(bench, answer)
    }

    @Test func `before: a debt that housekeeping has noted meanwhile is told, and noted once`() async throws {
        let store = HastyHousekeeping(wrapped: MemoryPaymentStore())
        let bench = try Bench(store: store) { _ in .text("stack trace", status: 500) }
        let answer = try await bench.pay(.get, "/first/1", try await bench.credential("/first/1"))
        try await Self.expectDebt(bench, answer)
        let record = try #require(try await bench.records().first)
        #expect(try await store.events(record.id).count { $0.event.name == "owed" } == 1)
    }

    private static func expectDebt(_ bench: Bench, _ answer: RecordedResponse) async throws {
        #expect(answer.status == 502)
        #expect(answer.receipt["success"] == true)
        let record = try #require(try await bench.records().first)
        #expect(answer["tollgate-debt"] == record.id.description)
        #expect(record.isOwed && !record.isServed)
        #expect(bench.chain.transferCount == 1)
        #expect(!answer.text.contains("stack trace"))
        #expect(bench.log.holds("upstream failed", "debt=\(record.id)"))
    }

    @Test(arguments: [200, 304, 404, 422])
    func `before: what is the buyer's is charged`(status: Int) async throws {
        let bench = try Bench { _ in .text(status == 304 ? "" : "answer", status: status) }
        let answer = try await bench.pay(.get, "/first/1", try await bench.credential("/first/1"))
        #expect(answer.status == status)
        #expect(answer.receipt["success"] == true)
        #expect(answer["cache-control"] == "private")
        #expect(bench.chain.transferCount == 1)
        #expect(try await bench.records().first?.isServed == true)
    }

    @Test func `before: the money has moved when the upstream is called, and conditional fields stay behind`() async throws {
        let bench = try Bench()
        let fields: Fields = [
            "If-None-Match": "\"a\"", "If-Match": "*", "If-Modified-Since": "x", "If-Unmodified-Since": "x", "If-Range": "\"a\"",
            "Range": "bytes=0-1",
        ]
        #expect(try await bench.pay(.get, "/first/1", try await bench.credential("/first/1"), fields).status == 200)
        let sent = try #require(bench.upstream.sent.first).fields
        // The range, too: asked for without its condition it would be a part of whatever is there by now (RFC 9110 §13.1.5).
        for (name, _) in fields { #expect(!sent.contains(FieldName(String(decoding: name, as: UTF8.self))!)) }
        let after = try await bench.pay(.get, "/paid/1", try await bench.credential("/paid/1", .init(nonce: 2)), fields)
        #expect(after.status == 200)
        #expect(bench.upstream.sent[1].fields.contains("if-none-match"))
    }

    // MARK: - Pending

    @Test(arguments: ["/paid/1", "/first/1"])
    func `a settlement that takes long is 503, and its credential takes it up`(target: String) async throws {
        let bench = try Bench { _ in .text("held") }
        let credential = try await bench.credential(target)
        bench.chain.isMining = false
        let pending = try await bench.pay(.get, target, credential)
        #expect(pending.status == 503 && pending.code == "settlement_pending")
        #expect(pending["retry-after"] == "5")
        #expect(pending["cache-control"]?.contains("no-store") == true)
        #expect(pending.receipt["success"] == false)
        #expect(pending.receipt["errorReason"] == "settlement_pending")
        let transaction = try #require(pending.receipt["transaction"]?.string)
        #expect(transaction.hasPrefix("0x") && !pending.text.contains("held"))
        let stranger = try await bench.pay(.get, target, credential.changing("accepted.extra.challenge", to: nil))
        #expect(stranger.code == "already_used" && stranger.json["transaction"]?.string == transaction)

        bench.chain.mine()
        let after = try Bench(store: bench.store, chain: bench.chain, time: bench.time) { _ in .text("called again") }
        let resumed = try await after.pay(.get, target, credential)
        #expect(resumed.status == 200)
        #expect(resumed.text == (target == "/paid/1" ? "held" : "called again"))
        #expect(resumed.receipt["transaction"]?.string == transaction)
        #expect(bench.chain.transferCount == 1 && bench.chain.transactionCount == 1)
        #expect(try await bench.records().first?.isServed == true)
    }

    @Test func `version 1 has nothing to take a pending settlement up with`() async throws {
        let bench = try Bench { _ in .text("held") }
        bench.chain.isMining = false
        let pending = try await bench.ask(.get, "/paid/1", Bench.credential1())
        let record = try #require(try await bench.records().first)
        #expect(pending.status == 409 && pending.code == "settlement_pending")
        #expect(pending.text.contains(record.id.description) && !pending.text.contains("held"))
        bench.chain.mine()
        #expect(try await bench.ask(.get, "/paid/1", Bench.credential1()).code == "already_used")
    }

    @Test func `a node that loses its answer, or refuses for a while, changes nothing`() async throws {
        for message in ["transaction underpriced", "insufficient funds for gas * price + value", nil] as [String?] {
            let bench = try Bench()
            let credential = try await bench.credential()
            let count = Counter()
            bench.chain.setFault { method, _ in
                guard method == "eth_sendRawTransaction", count.next() == 0 else { return nil }
                return message.map { .error(code: -32000, message: $0) } ?? .result("0x00")
            }
            #expect(try await bench.pay(credential).status == 200)
            #expect(bench.chain.transferCount == 1 && bench.chain.transactionCount == 1)
        }
    }

    @Test func `a transfer that somebody else sends with the authorization is the payment's`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential()
        bench.chain.isMining = false
        #expect(try await bench.pay(credential).status == 503)
        let record = try #require(try await bench.records().first)
        bench.chain.submit(payload: try #require(credential["payload"]?.object), from: Bench.stranger.address)
        bench.chain.mine()  // Ours reverts now.
        let answer = try await bench.pay(credential)
        #expect(answer.status == 200)
        #expect(answer.receipt["transaction"]?.string != record.transaction?.hash)
        #expect(bench.chain.transferCount == 1)
    }

    // MARK: - The client goes away

    @Test(arguments: ["/paid/1", "/first/1"])
    func `who hangs up while it settles has paid, and gets the kept answer`(target: String) async throws {
        let bench = try Bench { _ in .text("kept") }
        let credential = try await bench.credential(target)
        var fields: Fields = ["Host": "api.example"]
        fields.append("PAYMENT-SIGNATURE", Base64.encode(credential.utf8))
        let head = RequestHead(method: .get, target: target, fields: fields)
        await bench.gateway.handle(Request(head: head, peer: Bench.peer), Responder(RecordingResponseChannel.disconnected()))
        let record = try #require(try await bench.records().first)
        #expect(record.phase == .settled && !record.isServed && record.hasAnswer)
        let again = try await bench.pay(.get, target, credential)
        #expect(again.status == 200 && again.text == "kept")
        #expect(try await bench.records().first?.isServed == true)
        #expect(bench.upstream.sent.count == 1 && bench.chain.transferCount == 1)
    }

    // MARK: - The ledger

    @Test func `a ledger that does not answer closes the gate`() async throws {
        let bench = try Bench(store: BrokenPaymentStore("the disk is gone"))
        let answer = try await bench.pay(try await bench.credential())
        #expect(answer.status == 503 && answer.code == "unavailable")
        #expect(answer["retry-after"] != nil && !answer.text.contains("disk"))
        #expect(bench.upstream.sent.isEmpty && bench.chain.transactionCount == 0)
        #expect(bench.log.holds("the ledger does not answer", "disk"))
    }
}

/// A ledger in which somebody notes every debt a moment before whoever made it does.
private struct HastyHousekeeping: WrappingPaymentStore {
    let wrapped: any PaymentStore

    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        if entries.contains(where: { $0.events.contains { $0.name == "owed" } }) {
            try await self.wrapped.append(entries, at: time)
        }
        return try await self.wrapped.append(entries, at: time)
    }
}
