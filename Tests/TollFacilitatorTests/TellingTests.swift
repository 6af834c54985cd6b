// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollFacilitator
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// Success is told once per authorization: under repeats, races, lost connections and restarts.
@Suite struct TellingTests {
    private func record(_ stand: Stand) async throws -> PaymentRecord {
        try #require(try await stand.store.records(PaymentQuery(in: [], since: 0, limit: 2)).first)
    }

    private func isSuccess(_ answer: String) -> Bool { answer.hasPrefix("200 {\"success\":true,") }

    @Test func `a repeat is a duplicate with the transaction`() async {
        let stand = Stand()
        #expect(self.isSuccess(await stand.asked("/settle")))
        #expect(await stand.asked("/settle") == AnswerTests.duplicate)
        #expect(stand.chain.settlements == 1)
    }

    @Test func `the same authorization in the other version is a duplicate`() async {
        let stand = Stand()
        #expect(self.isSuccess(await stand.asked("/settle", Bodies.v1)))
        #expect(await stand.asked("/settle", Bodies.v2) == AnswerTests.duplicate)
    }

    @Test func `of fifty at once one succeeds`() async {
        let stand = Stand()
        let answers = await withTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { await stand.asked("/settle") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count { self.isSuccess($0) } == 1)
        #expect(answers.count { $0 == AnswerTests.duplicate } == 49)
        #expect(stand.chain.settlements == 1)
    }

    @Test func `told is in the ledger before the first byte`() async throws {
        let stand = Stand()
        let wasTold = Mutex(false)
        let channel = RecordingResponseChannel { () async throws(HTTPError) in
            let records = try? await stand.store.records(PaymentQuery(in: [], since: 0, limit: 1))
            wasTold.withLock { $0 = records?.first?.isTold ?? false }
        }
        await stand.post("/settle", on: channel)
        #expect(wasTold.withLock { $0 })
    }

    @Test func `success that could not be written is told to the next`() async throws {
        let stand = Stand()
        await stand.post("/settle", on: .disconnected())
        let events = try await stand.store.events(try await self.record(stand).id).map(\.event.name)
        #expect(events == ["claimed", "signed", "broadcast", "settled", "told", "untold"])
        #expect(self.isSuccess(await stand.asked("/settle")))
        #expect(await stand.asked("/settle") == AnswerTests.duplicate)
        #expect(stand.chain.settlements == 1)
    }

    @Test func `a duplicate that could not be written untells nobody`() async throws {
        let stand = Stand()
        #expect(self.isSuccess(await stand.asked("/settle")))
        await stand.post("/settle", on: .disconnected())
        #expect(try await self.record(stand).isTold)
    }

    @Test func `a pending settlement names its transaction and is told when it is there`() async {
        let stand = Stand()
        stand.chain.weather = .slow
        let pending = """
            200 {"success":false,"errorReason":"settlement_pending","payer":"\(Bodies.payer)",\
            "transaction":"\(FakeChain.transaction)","network":"eip155:84532"}
            """
        #expect(await stand.asked("/settle") == pending)
        #expect(await stand.asked("/settle") == pending)
        stand.chain.weather = .fine
        #expect(self.isSuccess(await stand.asked("/settle")))
        #expect(await stand.asked("/settle") == AnswerTests.duplicate)
    }

    @Test func `a settlement that failed fails again in the same words`() async {
        let stand = Stand()
        stand.chain.weather = .reverting
        let failed = """
            200 {"success":false,"errorReason":"transaction_failed","errorMessage":"the transaction reverted",\
            "payer":"\(Bodies.payer)","transaction":"\(FakeChain.transaction)","network":"eip155:84532"}
            """
        #expect(await stand.asked("/settle") == failed)
        stand.chain.weather = .fine
        #expect(await stand.asked("/settle") == failed)
    }

    @Test(arguments: [FakeChain.Weather.fine, .slow, .reverting])
    func `a claimed nonce does not verify`(weather: FakeChain.Weather) async {
        let stand = Stand()
        stand.chain.weather = weather
        _ = await stand.asked("/settle")
        let answer = await stand.asked("/verify")
        #expect(answer.hasPrefix("200 {\"isValid\":false,\"invalidReason\":\"invalid_exact_evm_nonce_already_used\""))
    }

    @Test func `verifying claims nothing`() async throws {
        let stand = Stand()
        _ = await stand.asked("/verify")
        #expect(try await stand.store.records(PaymentQuery(in: [], since: 0, limit: 1)).isEmpty)
        #expect(self.isSuccess(await stand.asked("/settle")))
    }

    // MARK: - Restarts

    /// Leaves the ledger as a process that stopped after so many events.
    private func stopped(after events: Int, dialect: DialectID = "facilitator") async throws -> Stand {
        let whole = Stand()
        _ = await whole.asked("/settle")
        let lines = try await whole.store.events(try await self.record(whole).id)
        let stand = Stand()
        guard case .claimed(let claim) = lines[0].event else { throw SettleCallTests.Unexpected() }
        let claimed = Claim(
            key: claim.key,
            payer: claim.payer,
            option: claim.option,
            dialect: dialect,
            policy: .before,
            payload: claim.payload,
            route: "",
            request: claim.request,
            challengeHash: nil,
            unusedAtBlock: 7,
            validBefore: claim.validBefore
        )
        _ = try await stand.store.claim(claimed, at: 0)
        let rest = lines.dropFirst().prefix(events - 1).map(\.event)
        if !rest.isEmpty { try await stand.store.append(Array(rest), to: claimed.id, at: 0) }
        return stand
    }

    @Test(arguments: 1...4)
    func `a payment interrupted before it was told is told to the next`(events: Int) async throws {
        let stand = try await self.stopped(after: events)
        #expect(self.isSuccess(await stand.asked("/settle")))
        #expect(await stand.asked("/settle") == AnswerTests.duplicate)
        #expect(try await self.record(stand).isTold)
    }

    @Test func `a payment interrupted after it was told is a duplicate`() async throws {
        #expect(try await self.stopped(after: 5).asked("/settle") == AnswerTests.duplicate)
    }

    @Test(arguments: 1...5)
    func `a payment of a gateway in the same ledger is a duplicate`(events: Int) async throws {
        let stand = try await self.stopped(after: events, dialect: "x402")
        let answer = await stand.asked("/settle")
        #expect(answer.contains("duplicate_settlement"))
        #expect(stand.chain.settlements == 0)
    }

    // MARK: - The same caller again

    private func asked(_ stand: Stand, _ token: String, _ key: String) async -> String {
        await stand.asked("/settle", Bodies.v2, ["Authorization": "Bearer \(token)", "Idempotency-Key": key])
    }

    @Test func `a caller that repeats its own key gets its answer again, and nobody else does`() async {
        var configuration = Stand.configuration
        configuration.tokens = [Secret("first"), Secret("second")]
        let stand = Stand(configuration)
        #expect(self.isSuccess(await self.asked(stand, "first", "a")))
        #expect(self.isSuccess(await self.asked(stand, "first", "a")))
        #expect(await self.asked(stand, "first", "b") == AnswerTests.duplicate)
        #expect(await self.asked(stand, "second", "a") == AnswerTests.duplicate)
        #expect(await stand.asked("/settle", Bodies.v2, ["Authorization": "Bearer first"]) == AnswerTests.duplicate)
        #expect(stand.chain.settlements == 1)
    }

    @Test func `a repeated answer that could not be written untells nobody`() async throws {
        var configuration = Stand.configuration
        configuration.tokens = [Secret("first")]
        let stand = Stand(configuration)
        let fields: Fields = ["Authorization": "Bearer first", "Idempotency-Key": "a"]
        #expect(self.isSuccess(await self.asked(stand, "first", "a")))
        await stand.post("/settle", Bodies.v2, fields, on: .disconnected())
        #expect(try await self.record(stand).isTold)
        #expect(self.isSuccess(await self.asked(stand, "first", "a")))
    }

    @Test func `without tokens a key proves nothing`() async {
        let stand = Stand()
        #expect(self.isSuccess(await stand.asked("/settle", Bodies.v2, ["Idempotency-Key": "a"])))
        #expect(await stand.asked("/settle", Bodies.v2, ["Idempotency-Key": "a"]) == AnswerTests.duplicate)
    }

    // MARK: - Waiting

    @Test func `who waits longer than patience for another call gets no word`() async {
        let time = ManualTime(start: .seconds(1_740_672_100))
        let store = MemoryPaymentStore()
        let chain = FakeChain(store)
        var configuration = Stand.configuration
        configuration.patience = .seconds(1)
        let facilitator = Facilitator(configuration, methods: [chain], store: store, environment: time.environment, log: .silent)
        let second = RecordingResponseChannel()
        let first = RecordingResponseChannel { () async throws(HTTPError) in
            _ = await facilitator.answer(.post("/settle", Bodies.v2), on: second)
        }
        let answer = await facilitator.answer(.post("/settle", Bodies.v2), on: first)
        #expect(answer?.head.status == 200)
        #expect(second.response?.head.status == 503)
    }
}
