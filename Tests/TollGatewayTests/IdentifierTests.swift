// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

/// The extension `payment-identifier` at the gate.
@Suite struct IdentifierTests {
    static let id = "pay_0123456789abcdef0123456789abcdef"

    static func route(_ pattern: String, _ rule: IdentifierRule, _ policy: SettlePolicy = .after) throws -> Route {
        Route(
            pattern: try RoutePattern(pattern), upstream: Bench.upstreamServer(),
            terms: Terms(options: [Bench.option], settle: SettleRule(policy), dialects: ["x402", "x402-v1"], identifiers: rule))
    }

    static func bench(
        store: any PaymentStore = MemoryPaymentStore(), sleepPasses: Bool = true,
        upstream: @escaping @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse = { _ in .text("made") }
    ) throws -> Bench {
        try Bench(
            store: store, sleepPasses: sleepPasses,
            routes: [
                self.route("/paid/*", .optional), self.route("/off/*", .off), self.route("/named/*", .required),
                self.route("/first/*", .optional, .before),
            ], upstream: upstream)
    }

    /// A credential that names its payment, and brings back no challenge unless told to.
    static func credential(
        _ bench: Bench, _ target: String = "/paid/1", id: JSON? = .string(id), nonce: Int = 1, keepsChallenge: Bool = false
    ) async throws -> JSON {
        var credential = try await bench.credential(target, Bench.Authorization(nonce: nonce))
        if !keepsChallenge { credential = credential.changing("accepted.extra.challenge", to: nil) }
        guard let id else { return credential }
        let entry: JSON = ["info": ["required": false, "id": id], "schema": [:]]
        return credential.changing("extensions", to: ["payment-identifier": entry])
    }

    static func extensions(_ bench: Bench, _ target: String) async throws -> JSON {
        let required = try #require(try await bench.ask(.get, target)["payment-required"])
        return try PaymentHeader.decode(required)["extensions"] ?? .null
    }

    @Test func `a challenge says whether identifiers are taken`() async throws {
        let bench = try Self.bench()
        #expect(try await Self.extensions(bench, "/paid/1")["payment-identifier"]?["info"] == ["required": false])
        #expect(try await Self.extensions(bench, "/named/1")["payment-identifier"]?["info"] == ["required": true])
        #expect(try await Self.extensions(bench, "/off/1") == .null)
    }

    @Test(arguments: ["/paid/1", "/first/1"])
    func `the same payment under its identifier gets the same answer, and nobody is asked again`(target: String) async throws {
        let bench = try Self.bench()
        let credential = try await Self.credential(bench, target)
        let first = try await bench.pay(.get, target, credential)
        let asked = bench.chain.methods.count
        let second = try await bench.pay(.get, target, credential)
        #expect(first.status == 200 && second.status == 200 && second.text == "made")
        #expect(second.receipt == first.receipt && second.receipt["success"] == true)
        #expect(bench.upstream.sent.count == 1 && bench.chain.transferCount == 1)
        #expect(bench.chain.methods.count == asked)
    }

    @Test func `without an identifier and without the challenge it is used`() async throws {
        let bench = try Self.bench()
        let credential = try await Self.credential(bench, id: nil)
        #expect(try await bench.pay(credential).status == 200)
        #expect(try await bench.pay(credential).code == "already_used")
    }

    @Test func `another identifier does not prove who claimed`() async throws {
        let bench = try Self.bench()
        #expect(try await bench.pay(Self.credential(bench)).status == 200)
        let guess = try await Self.credential(bench, id: "pay_0123456789abcdef0123456789abcdee")
        let answer = try await bench.pay(guess)
        #expect(answer.code == "already_used" && !answer.text.contains("made"))
    }

    @Test func `the same identifier for another request gets nothing of the first`() async throws {
        let bench = try Self.bench()
        let credential = try await Self.credential(bench)
        #expect(try await bench.pay(credential).status == 200)
        #expect(try await bench.pay(.get, "/paid/2", credential).code == "already_used")
        #expect(try await bench.pay(.post, "/paid/1", credential).code == "already_used")
    }

    @Test func `the same identifier with another payment is a conflict, and costs nothing`() async throws {
        let bench = try Self.bench()
        #expect(try await bench.pay(Self.credential(bench)).status == 200)
        let asked = bench.chain.methods.count
        let answer = try await bench.pay(Self.credential(bench, nonce: 2))
        #expect(answer.status == 409 && answer.code == "payment_identifier_conflict")
        #expect(answer["content-type"] == "application/problem+json" && answer.receipt == .null)
        #expect(bench.chain.transferCount == 1 && bench.upstream.sent.count == 1 && bench.chain.methods.count == asked)
        #expect(try await bench.pay(Self.credential(bench, nonce: 2, keepsChallenge: true)).status == 409)
    }

    @Test func `two payments under one identifier at once: one is made`() async throws {
        let bench = try Self.bench(sleepPasses: false)
        let credentials = [try await Self.credential(bench), try await Self.credential(bench, nonce: 2)]
        let answers = try await withThrowingTaskGroup(of: RecordedResponse.self) { group in
            for number in 0..<40 { group.addTask { try await bench.pay(credentials[number % 2]) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.filter { $0.status == 200 }.count == 20)
        #expect(answers.filter { $0.code == "payment_identifier_conflict" }.count == 20)
        #expect(bench.upstream.sent.count == 1 && bench.chain.transferCount == 1)
    }

    @Test func `payers do not share identifiers`() async throws {
        let bench = try Self.bench()
        bench.chain.mint(1_000_000, to: Bench.stranger.address)
        #expect(try await bench.pay(Self.credential(bench)).status == 200)
        let other = try await bench.credential("/paid/1", Bench.Authorization(key: Bench.stranger))
            .changing("extensions", to: ["payment-identifier": ["info": ["required": false, "id": .string(Self.id)]]])
        #expect(try await bench.pay(other).status == 200)
        #expect(bench.chain.transferCount == 2)
    }

    @Test func `a call that failed frees the identifier`() async throws {
        let calls = Counter()
        let bench = try Self.bench { _ in .text("x", status: calls.next() == 0 ? 500 : 200) }
        #expect(try await bench.pay(Self.credential(bench)).status == 500)
        #expect(try await bench.pay(Self.credential(bench, nonce: 2)).status == 200)
        #expect(try await bench.pay(Self.credential(bench)).code == "payment_identifier_conflict")
        #expect(bench.chain.transferCount == 1)
    }

    @Test func `the same payment after a call that failed is made, not refused`() async throws {
        let calls = Counter()
        let bench = try Self.bench { _ in .text("x", status: calls.next() == 0 ? 500 : 200) }
        let credential = try await Self.credential(bench)
        #expect(try await bench.pay(credential).status == 500)
        #expect(try await bench.pay(credential).status == 200)
        #expect(try await bench.pay(credential).status == 200)
        #expect(bench.chain.transferCount == 1 && bench.upstream.sent.count == 2)
    }

    @Test func `a request that comes while the first is served waits for its answer`() async throws {
        let bench = try Self.bench(sleepPasses: false)
        let credential = try await Self.credential(bench)
        let answers = try await withThrowingTaskGroup(of: RecordedResponse.self) { group in
            for _ in 0..<50 { group.addTask { try await bench.pay(credential) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.status == 200 && $0.text == "made" })
        #expect(bench.upstream.sent.count == 1 && bench.chain.transferCount == 1)
    }

    @Test(
        arguments: [
            ("/named/1", nil, "is missing"), ("/named/1", .null, "is missing"), ("/named/1", "short", "16 to 128"),
            ("/paid/1", "short", "16 to 128"), ("/paid/1", 17, "is a number"),
            ("/paid/1", .string(String(repeating: "a", count: 129)), "16"),
        ] as [(String, JSON?, String)]
    )
    func `one that is missing where it must be, or malformed, is 400 and costs nothing`(
        target: String, id: JSON?, words: String
    ) async throws {
        let bench = try Self.bench()
        let answer = try await bench.pay(.get, target, Self.credential(bench, target, id: id))
        #expect(answer.status == 400 && answer.code == "malformed_credential" && answer["payment-required"] != nil)
        #expect(answer.json["detail"]?.string?.contains(words) == true)
        #expect(answer.json["detail"]?.string?.contains("payment-identifier") == true)
        #expect(try await bench.isUntouched())
    }

    @Test func `where they are off nobody looks at them`() async throws {
        let bench = try Self.bench()
        #expect(try await bench.pay(.get, "/off/1", Self.credential(bench, "/off/1", id: "short")).status == 200)
        let credential = try await Self.credential(bench, "/off/1", nonce: 2)
        #expect(try await bench.pay(.get, "/off/1", credential).status == 200)
        #expect(try await bench.pay(.get, "/off/1", credential).code == "already_used")
        #expect(try await bench.records().allSatisfy { $0.claim.identifierHash == nil })
    }

    @Test func `the ledger and the log know only a digest`() async throws {
        let bench = try Self.bench()
        _ = try await bench.pay(Self.credential(bench))
        let record = try #require(try await bench.records().first)
        #expect(record.claim.identifierHash != nil)
        #expect(!"\(record)".contains(Self.id) && !bench.log.lines.contains { $0.contains(Self.id) })
        #expect(bench.upstream.sent.allSatisfy { !"\($0)".contains(Self.id) })
    }

    @Test func `a ledger that does not answer closes the gate before anything is verified`() async throws {
        let bench = try Self.bench(store: BrokenPaymentStore("down"))
        let asked = bench.chain.methods.count
        #expect(try await bench.pay(Self.credential(bench)).status == 503)
        #expect(bench.chain.methods.count == asked)
    }
}
