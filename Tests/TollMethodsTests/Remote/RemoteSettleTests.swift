// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// Money at somebody else's hands: nothing is asked before it is written down, and nothing is failed that may have settled.
@Suite struct RemoteSettleTests {
    private typealias Stand = RemoteStand

    private static let settled = SettlementOutcome.settled(Settlement(transaction: Stand.transaction, block: 0, logIndex: 0))

    @Test func `success settles`() async throws {
        let stand = try Stand(Stand.text(Stand.success))
        #expect(try await stand.settle() == Self.settled)
        #expect(try await stand.events() == ["claimed", "unknown", "settled"])
        #expect(stand.calls == ["https://first.example/settle"])
        #expect(stand.client.sent.last?.fields.firstText(.idempotencyKey) == Stand.claim.id.description)
    }

    @Test func `who is asked is in the ledger before the request leaves`() async throws {
        let seen = Mutex<PaymentRecord?>(nil)
        let ledger = Mutex<MemoryPaymentStore?>(nil)
        let stand = try Stand { (_: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in
            let store = ledger.withLock { $0 }
            let record = try? await store?.record(Stand.claim.id)
            seen.withLock { $0 = record }
            return .text(Stand.success)
        }
        ledger.withLock { $0 = stand.store }
        _ = try await stand.settle()
        let record = try #require(seen.withLock { $0 })
        #expect(record.phase == .unknown)
        #expect(record.failure?.detail == "asked https://first.example/")
    }

    @Test(arguments: [200, 400, 412, 500])
    func `a refusal fails the payment on every status that verdicts come with`(status: Int) async throws {
        let stand = try Stand(at: [Stand.first, Stand.second], Stand.text(Stand.failure("insufficient_funds"), status))
        #expect(try await stand.settle() == .failed(PaymentRefusal("insufficient_funds"), transaction: nil))
        #expect(try await stand.record()?.phase == .failed)
        #expect(stand.calls.count == 1)
    }

    @Test func `a second settle of a settled payment asks nobody`() async throws {
        let stand = try Stand(Stand.text(Stand.success))
        _ = try await stand.settle()
        #expect(try await stand.settle() == Self.settled)
        #expect(stand.calls.count == 1)
    }

    // MARK: - Unknown outcomes

    static let unknown: [(status: Int, body: String)] = [
        (500, "<html>Internal Server Error</html>"), (502, ""), (503, ""), (504, "{\"success\":false}"), (200, "<html>"),
        (200, "{}"),
        (200, "{\"success\":\"true\",\"transaction\":\"\(Stand.transaction)\",\"network\":\"eip155:84532\"}"),
        (200, "{\"success\":true,\"transaction\":\"\",\"network\":\"eip155:84532\"}"),
        (200, "{\"success\":true,\"network\":\"eip155:84532\"}"),
        (200, "{\"success\":true,\"transaction\":\"0x12\",\"network\":\"eip155:84532\"}"),
        (200, "{\"success\":true,\"transaction\":\"\(Stand.transaction)\",\"network\":\"eip155:8453\"}"),
        (
            200,
            """
            {"success":true,"transaction":"\(Stand.transaction)","network":"eip155:84532",\
            "payer":"0x0000000000000000000000000000000000000001"}
            """
        ),
        (500, Stand.success), (200, Stand.failure("unexpected_settle_error")),
    ]

    @Test(arguments: unknown)
    func `an answer that proves nothing leaves the payment unknown, and no other facilitator is asked`(
        status: Int,
        body: String
    ) async throws {
        let stand = try Stand(at: [Stand.first, Stand.second], Stand.text(body, status))
        #expect(try await stand.settle() == .pending(transaction: ""))
        #expect(try await stand.record()?.phase == .unknown)
        #expect(stand.calls.count > 1)
        #expect(stand.calls.allSatisfy { $0 == "https://first.example/settle" })
    }

    @Test(arguments: [HTTPError.Code.timedOut, .disconnected])
    func `after a lost answer the same facilitator is asked again with the same bytes`(code: HTTPError.Code) async throws {
        let stand = try Stand(at: [Stand.first, Stand.second], Stand.script(Stand.error(code), Stand.text(Stand.success)))
        #expect(try await stand.settle() == Self.settled)
        let settles = stand.client.sent.filter { $0.url.hasSuffix("/settle") }
        #expect(settles.count == 2)
        #expect(Set(settles.map(\.url)) == ["https://first.example/settle"])
        #expect(settles.first?.body == settles.last?.body)
    }

    @Test func `after a lost answer a duplicate with its transaction is ours`() async throws {
        let duplicate = Stand.failure("duplicate_settlement", transaction: Stand.transaction)
        let stand = try Stand(Stand.script(Stand.error(.disconnected), Stand.text(duplicate)))
        #expect(try await stand.settle() == Self.settled)
    }

    @Test func `a duplicate at first is somebody else's`() async throws {
        let stand = try Stand(Stand.text(Stand.failure("duplicate_settlement", transaction: Stand.transaction)))
        #expect(try await stand.settle() == .failed(PaymentRefusal("duplicate_settlement"), transaction: Stand.transaction))
    }

    @Test func `after a lost answer a used nonce is no failure`() async throws {
        let used = Stand.failure("invalid_exact_evm_nonce_already_used")
        let stand = try Stand(Stand.script(Stand.error(.timedOut), Stand.text(used)))
        #expect(try await stand.settle() == .pending(transaction: ""))
        #expect(try await stand.record()?.phase == .unknown)
    }

    @Test func `a pending settlement is asked for until it is there`() async throws {
        let pending = Stand.failure("settlement_pending", transaction: Stand.transaction)
        let stand = try Stand(Stand.script(Stand.text(pending), Stand.text(pending), Stand.text(Stand.success)))
        #expect(try await stand.settle() == Self.settled)
        #expect(try await stand.events() == ["claimed", "unknown", "unknown", "settled"])
    }

    @Test func `a pending settlement outlives patience with its transaction`() async throws {
        let pending = Stand.failure("settlement_pending", transaction: Stand.transaction)
        let stand = try Stand(Stand.text(pending))
        #expect(try await stand.settle(patience: .seconds(3)) == .pending(transaction: Stand.transaction))
        #expect(stand.calls.count == 3)
        #expect(try await stand.record()?.failure?.detail == "asked https://first.example/, transaction \(Stand.transaction)")
    }

    // MARK: - Another facilitator

    static let untaken: [(name: String, answer: RemoteStand.Answer)] = [
        ("no connection", Stand.error(.connectFailed, isBeforeSend: true)), ("401", Stand.text("", 401)),
        ("429", Stand.text("", 429)),
        ("404", Stand.text("", 404)), ("400", Stand.text("{\"error\":\"what?\"}", 400)),
    ]

    @Test(arguments: 0..<5)
    func `what the first has not taken the second settles`(index: Int) async throws {
        let answer = Self.untaken[index].answer
        let stand = try Stand(at: [Stand.first, Stand.second]) {
            (sent: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in
            sent.url.hasPrefix(Stand.first) ? try await answer(sent) : .text(Stand.success)
        }
        #expect(try await stand.settle() == Self.settled)
        #expect(stand.calls == ["https://first.example/settle", "https://second.example/x402/settle"])
    }

    @Test func `what nobody has taken may be given to anybody later`() async throws {
        let stand = try Stand(
            at: [Stand.first],
            Stand.script(Stand.error(.connectFailed, isBeforeSend: true), Stand.text(Stand.success))
        )
        guard case .unavailable = try await stand.settle() else {
            Issue.record("A settlement that was never sent is not unavailable.")
            return
        }
        #expect(try await stand.record()?.failure?.detail == "no facilitator took it")
        stand.time.advance(by: .seconds(1))
        #expect(try await stand.settle() == Self.settled)
    }

    @Test func `what was once asked of the first is not turned over when the first goes down`() async throws {
        let stand = try Stand(
            at: [Stand.first, Stand.second],
            Stand.script(Stand.error(.timedOut), Stand.error(.connectFailed, isBeforeSend: true))
        )
        #expect(try await stand.settle() == .pending(transaction: ""))
        #expect(stand.calls.allSatisfy { $0.hasPrefix(Stand.first) })
    }

    // MARK: - Restarts

    /// The ledger as a process left it that stopped while a facilitator had the payment.
    private func stopped(_ reason: String, _ answer: @escaping RemoteStand.Answer) async throws -> RemoteStand {
        let stand = try Stand(at: [Stand.first, Stand.second], answer)
        _ = try await stand.store.claim(Stand.claim, at: 0)
        try await stand.store.append([.unknown(reason: reason)], to: Stand.claim.id, at: 0)
        return stand
    }

    @Test func `after a restart the one that was asked is asked again`() async throws {
        let stand = try await self.stopped("asked https://second.example/x402/", Stand.text(Stand.success))
        #expect(try await stand.settle() == Self.settled)
        #expect(stand.calls == ["https://second.example/x402/settle"])
    }

    @Test func `after a restart a refusal proves nothing`() async throws {
        let stand = try await self.stopped("asked https://first.example/", Stand.text(Stand.failure("insufficient_funds")))
        #expect(try await stand.settle() == .pending(transaction: ""))
        #expect(try await stand.record()?.phase == .unknown)
    }

    @Test func `a facilitator that is no longer configured leaves the payment unknown`() async throws {
        let stand = try await self.stopped("asked https://gone.example/", Stand.text(Stand.success))
        #expect(try await stand.settle() == .pending(transaction: ""))
        #expect(stand.calls.isEmpty)
    }

    @Test func `a payment that was signed here is not given away`() async throws {
        let stand = try Stand(Stand.text(Stand.success))
        _ = try await stand.store.claim(Stand.claim, at: 0)
        let record = try await stand.store.append([.signed(SamplePayment.transaction(1))], to: Stand.claim.id, at: 0)
        guard case .unavailable = await stand.method.settle(record, patience: .seconds(1)) else {
            Issue.record("A payment with a transaction of our own was given to a facilitator.")
            return
        }
        #expect(stand.client.sent.isEmpty)
    }

    // MARK: - In the background

    /// Runs the background until the payment has left `unknown`.
    private func pursue(_ stand: RemoteStand) async throws -> PaymentRecord.Phase? {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stand.background.run() }
            while try await stand.record()?.phase == .unknown { await Task.yield() }
            group.cancelAll()
            return try await stand.record()?.phase
        }
    }

    @Test func `a settlement that nobody waits for is asked for on`() async throws {
        let pending = Stand.text(Stand.failure("settlement_pending", transaction: Stand.transaction))
        let stand = try Stand(Stand.script(pending, pending, pending, pending, Stand.text(Stand.success)))
        #expect(try await stand.settle(patience: .seconds(1)) == .pending(transaction: Stand.transaction))
        #expect(try await self.pursue(stand) == .settled)
        #expect(stand.calls.count == 5)
    }

    @Test func `a ledger that fails for a while does not end a pursuit`() async throws {
        let ledger = Mutex<FailingLedger?>(nil)
        let pending = Stand.text(Stand.failure("settlement_pending"))
        let stand = try Stand(
            through: { store in
                let failing = FailingLedger(store)
                ledger.withLock { $0 = failing }
                return failing
            }, Stand.script(pending, Stand.text(Stand.success)))
        #expect(try await stand.settle(patience: .zero) == .pending(transaction: ""))
        ledger.withLock { $0?.fail(times: 3) }
        #expect(try await self.pursue(stand) == .settled)
    }

    @Test func `after a restart the settlements that facilitators have are taken up`() async throws {
        let stand = try await self.stopped("asked https://first.example/", Stand.text(Stand.success))
        try await stand.method.resume()
        #expect(try await self.pursue(stand) == .settled)
    }
}
