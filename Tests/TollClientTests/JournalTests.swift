// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

@Suite struct JournalTests {
    let offer = Market.challenge([Market.option(amount: "1000000")])

    private static func terms(cost: Dollars, at host: String = "api.example") throws -> JournaledPayment.Terms {
        JournaledPayment.Terms(
            request: .zero,
            method: "GET",
            url: try URLParts(parsing: "https://\(host)/weather"),
            dialect: "x402",
            account: Market.payer.account,
            option: PaymentOption(asset: Market.usdc, amount: UInt256(cost.micros), payTo: Market.payTo, maxTimeoutSeconds: 300),
            cost: cost,
            validBefore: Market.now + 300
        )
    }

    static func id(_ number: Int) -> Bytes32 { Keccak256.hash(text: "payment \(number)") }

    @Test func `a day has room for its budget and no more`() async throws {
        let shop = Shop(Array(repeating: [self.offer, Market.delivered()], count: 6).flatMap { $0 })
        for _ in 0..<5 { #expect(await shop.buy().report.exitStatus == 0) }
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 20 && report.failure?.code == .overBudget)
        #expect(shop.server.payments.count == 5)
        #expect(report.failure?.message.contains("$5") == true)
    }

    @Test func `all origins together have a budget too`() throws {
        let shop = Shop()
        for number in 0..<5 {
            let terms = try Self.terms(cost: Dollars(4), at: "host-\(number).example")
            guard case .granted = try shop.journal.reserve(terms, id: Self.id(number), budget: Budget(), at: Market.now) else {
                Issue.record("$20 have room for five times $4")
                continue
            }
        }
        let more = try Self.terms(cost: Dollars(micros: 1), at: "other.example")
        guard case .exceeded(let reason) = try shop.journal.reserve(more, id: Self.id(9), budget: Budget(), at: Market.now) else {
            Issue.record("$20 have no room for more")
            return
        }
        #expect(reason.contains("$20"))
    }

    @Test func `a day ends at midnight of UTC`() async throws {
        let midnight: UInt64 = 1_772_409_600  // 2026-03-02T00:00:00Z
        let stage = Stage(midnight - 1)
        let shop = Shop(Array(repeating: [self.offer, Market.delivered()], count: 6).flatMap { $0 }, stage: stage)
        for _ in 0..<5 { #expect(await shop.buy().report.exitStatus == 0) }
        #expect(try shop.spentToday == Dollars(5))
        stage.advance(by: 1)
        #expect(try shop.spentToday == Dollars(0))
        #expect(await shop.buy().report.exitStatus == 0)
    }

    @Test func `an amount that overflows is over every budget`() throws {
        let shop = Shop()
        let budget = Budget(perOrigin: Dollars(micros: .max - 1), perDay: Dollars(micros: .max - 1))
        let first = try Self.terms(cost: Dollars(micros: .max - 1))
        guard case .granted = try shop.journal.reserve(first, id: Self.id(0), budget: budget, at: Market.now),
            case .exceeded = try shop.journal.reserve(first, id: Self.id(1), budget: budget, at: Market.now)
        else {
            Issue.record("the sum wraps")
            return
        }
    }

    /// Independent openings of one file stand for processes: the locks are the same between them.
    @Test func `reservations made at once never exceed the budget`() async throws {
        let shop = Shop()
        let directory = shop.directory
        let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<32 {
                group.addTask {
                    let terms = try Self.terms(cost: Dollars("0.5") ?? Dollars(1))
                    let reservation = try Journal(directory: directory)
                        .reserve(terms, id: Self.id(number), budget: Budget(), at: Market.now)
                    if case .granted = reservation { return true }
                    return false
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(granted == 10)
        #expect(try shop.spentToday == Dollars(5))
    }

    @Test func `a crash before signing stays counted while the authorization could have lived, and no longer`() async throws {
        let shop = Shop([self.offer, Market.delivered()])
        _ = await shop.buy()
        try shop.write(shop.lines[0] + "\n")
        #expect(try shop.spentToday == Dollars(1))
        shop.stage.advance(by: 300)
        #expect(try shop.spentToday == Dollars(1))
        shop.stage.advance(by: 1)
        #expect(try shop.spentToday == Dollars(0))
    }

    @Test func `a crash before signing does not keep the request from being bought`() async throws {
        let shop = Shop([self.offer, Market.delivered(), self.offer, Market.delivered("rain")])
        _ = await shop.buy()
        try shop.write(shop.lines[0] + "\n")
        #expect(await shop.buy().body == "rain")
        #expect(try shop.spentToday == Dollars(2))
    }

    @Test func `a crash after signing sends the same payment again`() async throws {
        let shop = Shop([self.offer, Market.delivered(), Market.delivered("kept")])
        _ = await shop.buy()
        try shop.write(shop.lines.prefix(2).joined(separator: "\n") + "\n")
        #expect(await shop.buy().body == "kept")
        let nonces = try shop.server.payments.map { try $0.exactEVM().authorization.nonce }
        #expect(nonces.count == 2 && nonces[0] == nonces[1])
        #expect(try shop.spentToday == Dollars(1))
    }

    @Test func `a line that a crash cut short is dropped, wherever it was cut`() async throws {
        let shop = Shop([self.offer, Market.delivered()])
        _ = await shop.buy()
        let whole = try shop.lines
        #expect(whole.count == 3)
        for kept in 0..<3 {
            for count in [1, whole[kept].count / 2, whole[kept].count] {
                try shop.write(whole[..<kept].map { $0 + "\n" }.joined() + whole[kept].prefix(count))
                #expect(try shop.journal.payments().count == min(kept, 1))
                let terms = try Self.terms(cost: Dollars(1))
                _ = try shop.journal.reserve(terms, id: Self.id(1), budget: Budget(), at: Market.now)
                #expect(try shop.journal.payments().count == min(kept, 1) + 1)
            }
        }
    }

    @Test(arguments: ["x", "{}", #"{"event":"paid","time":1,"id":"0x00"}"#])
    func `a journal that cannot be understood pays nothing, and what is free can still be had`(line: String) async throws {
        let shop = Shop([self.offer, Market.delivered(), Market.delivered("free")])
        _ = try shop.journal.payments()
        try shop.write(line + "\n")
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 20 && report.failure?.code == .journalUnusable && shop.server.payments.isEmpty)
        #expect(report.failure?.message.contains("line 1") == true)
        shop.server.add()
        #expect(await shop.buy().report.exitStatus == 0)
    }

    @Test func `a payment that someone is at is not taken up by another`() throws {
        let shop = Shop()
        let terms = try Self.terms(cost: Dollars(1))
        guard case .granted(let hold) = try shop.journal.reserve(terms, id: Self.id(0), budget: Budget(), at: Market.now) else {
            Issue.record("there is room")
            return
        }
        try shop.journal.markSent(hold, field: "PAYMENT-SIGNATURE", value: "x", at: Market.now)
        let taken = try shop.journal.takeUp(request: .zero, at: Market.now)
        #expect(taken == nil)
        withExtendedLifetime(hold) {}
    }

    @Test func `only its owner can read the journal`() async throws {
        let shop = Shop([self.offer, Market.delivered()])
        _ = await shop.buy()
        #expect(try shop.permissions(of: "/journal.jsonl") == 0o600)
        #expect(try shop.permissions(of: "") == 0o700)
    }
}

extension JournalTests {
    @Test func `a long journal goes on with what still matters`() async throws {
        let shop = Shop([self.offer, Market.delivered(), self.offer, AnswerTests.open[0]])
        _ = await shop.buy()
        let old = try shop.lines
        let id = try shop.journal.payments()[0].id.description
        shop.stage.advance(by: 3 * 86_400)
        #expect(await shop.buy().report.exitStatus == 23)
        let open = try shop.lines.dropFirst(old.count)
        let many = (0..<600).map { number in
            old.map { $0.replacing(id, with: Self.id(number).description) + "\n" }.joined()
        }
        try shop.write(many.joined() + open.map { $0 + "\n" }.joined())
        #expect(try shop.journal.payments().count == 601)
        shop.server.add(self.offer, Market.delivered())
        let other = try URLParts(parsing: "https://api.example/other")
        #expect(await shop.buy(PurchaseRequest(other)).report.exitStatus == 0)
        #expect(try shop.journal.payments().map(\.terms.url) == [Market.url, other])
        #expect(try shop.spentToday == Dollars(2))
        let archive = try Shop.text(shop.directory + "/journal.jsonl.\(shop.stage.now)")
        #expect(archive.utf8.count > 1 << 20 && archive.hasPrefix(many[0]))
    }
}
