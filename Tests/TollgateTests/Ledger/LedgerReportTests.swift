// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import tollgate

/// Reports over a ledger with one payment of each kind, as people and programs see them.
@Suite struct LedgerReportTests {
    private func payments(
        _ format: ReportFormat, _ query: PaymentQuery = PaymentQuery(limit: 2), state: String? = nil
    ) async throws -> String {
        let printed = PrintedText()
        var writer = ReportWriter(PaymentsReport.columns, format: format) { printed.write($0) }
        try await PaymentsReport.run(try await SampleLedger.store(), query, try StateFilter(state), into: &writer)
        return printed.text
    }

    private func digits(_ number: Int) -> String { String(SampleLedger.claim(number).id.description.prefix(10)) }
    private func hash(_ number: Int) -> String { SamplePayment.hash(number).prefix(10) + "…" }

    @Test func `payments, oldest first, over several pages, within a hundred columns`() async throws {
        let text = try await self.payments(.table)
        let payer = "0x857b…6b66"
        #expect(
            text == """
                time                 payment     state          amount  payer        route           transaction
                2024-01-01 12:00:01  \(digits(1))  settled    0.001 USDC  \(payer)  GET /weather/*  \(hash(1))
                2024-01-01 12:00:02  \(digits(2))  owed      0.0025 USDC  \(payer)  GET /weather/*  \(hash(2))
                2024-01-01 12:00:03  \(digits(3))  unpaid     0.001 USDC  \(payer)  GET /weather/*
                2024-01-01 12:00:04  \(digits(4))  claimed    0.001 USDC  \(payer)  GET /weather/*
                2024-01-01 12:00:05  \(digits(5))  released   0.001 USDC  \(payer)  GET /weather/*
                2024-01-01 12:00:06  \(digits(6))  credit    0.0007 USDC  \(payer)  GET /weather/*
                2024-01-02 12:00:00  \(digits(7))  refunded   0.001 USDC  \(payer)  GET /weather/*  \(hash(7))

                7 payments

                """)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test(
        arguments: [
            ("settled", [1, 2, 6, 7]), ("owed", [2]), ("unpaid", [3]), ("claimed", [4]), ("released", [5]), ("credit", [6]),
            ("refunded", [7]), ("failed", [3]), ("undelivered", []), ("queued", []), ("rebuilt", []),
        ] as [(String, [Int])])
    func `a state is a phase of the ledger or where the payment stands`(state: String, numbers: [Int]) async throws {
        let json = try JSON(parsing: Array(try await self.payments(.json, state: state).utf8))
        #expect(
            json.array?.compactMap { $0["payment"]?.string } == numbers.map { SampleLedger.claim($0).id.description })
    }

    @Test func `payer, time and network narrow what is asked for`() async throws {
        var query = PaymentQuery(since: SampleLedger.noon + SampleLedger.day, limit: 2)
        #expect(try await self.payments(.csv, query).split(separator: "\r\n").count == 2)
        query.payer = SamplePayment.payer.uppercased().replacing("0X", with: "0x")
        #expect(try await self.payments(.csv, query).split(separator: "\r\n").count == 2)
        query.network = ChainID(eip155: 1)
        #expect(try await self.payments(.table, query) == "no payments\n\n0 payments\n")
    }

    @Test func `JSON has whole names, units as text, and what tables leave out`() async throws {
        let json = try JSON(parsing: Array(try await self.payments(.json, state: "owed").utf8))
        let row = try #require(json.array?.first)
        #expect(
            row == [
                "claimed_at": "2024-01-01T12:00:02Z", "payment": .string(SampleLedger.claim(2).id.description), "state": "owed",
                "amount": "2500", "amount_display": "0.0025 USDC", "payer": .string(SamplePayment.payer),
                "route": "GET /weather/*", "transaction": .string(SamplePayment.hash(2)), "phase": "settled", "asset": "USDC",
                "asset_address": .string(SamplePayment.asset.address), "network": "eip155:84532",
                "pay_to": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", "dialect": "x402", "policy": "after", "block": 2_002,
                "log_index": 2, "ended_at": "2024-01-01T12:00:02Z", "served": false, "owed": "1800",
                "owed_display": "0.0018 USDC", "refund_transaction": .null, "failure": .null,
            ])
    }

    @Test func `every event is exported, an object on each line`() async throws {
        let printed = PrintedText()
        var writer = ReportWriter(EventsReport.columns, format: .jsonLines) { printed.write($0) }
        try await EventsReport.run(try await SampleLedger.store(), PaymentQuery(limit: 3), into: &writer)
        let events = try printed.text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        let seventh = events.filter { $0["payment"]?.string == SampleLedger.claim(7).id.description }
        let names = seventh.compactMap { $0["event"]?.string }
        #expect(names == ["claimed", "signed", "broadcast", "settled", "owed", "refunding", "refunded"])
        let drawn = try #require(events.first { $0["event"] == "drawn" })
        #expect(drawn["units"] == "700" && drawn["number"] == 6)
    }

    // MARK: Revenue

    private func revenue(_ format: ReportFormat, by dimensions: String) async throws -> String {
        let printed = PrintedText()
        var report = RevenueReport(by: try RevenueReport.dimensions(dimensions))
        for record in try await SampleLedger.store().records(PaymentQuery(limit: 99)) { report.add(record) }
        var writer = ReportWriter(report.columns, format: format) { printed.write($0) }
        report.print(into: &writer)
        return printed.text
    }

    /// Day one: 1,000 and 2,500 came in, 700 were sold for credit, 1,800 are still owed: 1,700 are ours. Day two: all of it went
    /// back.
    @Test func `revenue by day: what came in, less what went back and what is owed`() async throws {
        #expect(
            try await self.revenue(.table, by: "day") == """
                day         network       payments      settled       credit    refunded         owed          net
                2024-01-01  eip155:84532         3  0.0035 USDC  0.0007 USDC      0 USDC  0.0018 USDC  0.0017 USDC
                2024-01-02  eip155:84532         1   0.001 USDC       0 USDC  0.001 USDC       0 USDC       0 USDC

                eip155:84532: 4 payments, net 0.0017 USDC

                """)
        let csv = try await self.revenue(.csv, by: "route").split(separator: "\r\n")
        #expect(csv.count == 2 && csv[1].hasPrefix("GET /weather/*,eip155:84532,USDC,"))
        #expect(csv[1].hasSuffix(",4,4500,0.0045 USDC,700,0.0007 USDC,1000,0.001 USDC,1800,0.0018 USDC,1700,0.0017 USDC"))
        #expect(throws: UsageError.self) { try RevenueReport.dimensions("day,hour") }
    }

    // MARK: Debts

    private func debts(all: Bool, _ format: ReportFormat = .table) async throws -> String {
        let printed = PrintedText()
        var writer = ReportWriter(DebtsReport.columns, format: format) { printed.write($0) }
        try await DebtsReport.run(try await SampleLedger.store(), PaymentQuery(limit: 2), all: all, into: &writer)
        return printed.text
    }

    @Test func `debts in both directions, with what is left of them`() async throws {
        #expect(
            try await self.debts(all: false) == """
                direction  payment     time                 payer             amount         left  state
                to payer   \(digits(2))  2024-01-01 12:00:02  0x857b…6b66  0.0025 USDC  0.0018 USDC  partly spent
                by payer   \(digits(3))  2024-01-01 12:00:03  0x857b…6b66   0.001 USDC   0.001 USDC  unpaid

                eip155:84532: owed 0.0018 USDC, on its way back 0 USDC, unpaid 0.001 USDC

                """)
        let json = try JSON(parsing: Array(try await self.debts(all: true, .json).utf8))
        #expect(json.array?.compactMap { $0["state"]?.string } == ["partly spent", "refunded", "unpaid"])
        #expect(json.array?.compactMap { $0["reason"]?.string } == ["upstream 502", "timeout", "insufficient_funds: balance 0"])
    }

    // MARK: What is meant

    @Test func `a payment is found by its name, six digits of it, and any of its transactions`() async throws {
        let lookup = PaymentLookup(ledger: try await SampleLedger.store())
        let id = SampleLedger.claim(1).id
        for text in [id.description, String(id.description.prefix(6)), id.description.uppercased(), SamplePayment.hash(1)] {
            #expect(try await lookup.find(text).map(\.id) == [id], "\(text)")
        }
        // The refund's transaction.
        #expect(try await lookup.find(SamplePayment.hash(8)).map(\.id) == [SampleLedger.claim(7).id])
        #expect(try await lookup.find("000000").isEmpty)
        for text in ["12345", "0x1234", "zzzzzz", ""] {
            await #expect(throws: UsageError.self, "\(text)") { try await lookup.find(text) }
        }
        await #expect(throws: LedgerSession.Failure.self) { try await lookup.one("000000") }
    }

    @Test(
        arguments: [
            ("2024-01-01", 1_704_067_200), ("2024-01-01T12:00:00Z", 1_704_110_400), ("2024-01-01T12:00:00+02:00", 1_704_103_200),
            ("7d", 1_704_110_400 - 604_800), ("24h", 1_704_110_400 - 86_400), ("30s", 1_704_110_370),
        ] as [(String, Int64)])
    func `times are dates, moments, or back from now`(text: String, seconds: Int64) throws {
        #expect(try LedgerOptions.time(text, now: SampleLedger.noon, option: "since") == seconds)
    }

    @Test(arguments: ["", "yesterday", "2024-02-30", "2024-1-1", "7", "-7d", "2024-01-01T25:00:00Z"])
    func `what is no time is refused`(text: String) {
        #expect(throws: UsageError.self) { try LedgerOptions.time(text, now: 0, option: "since") }
    }

    // MARK: - References

    @Test func `what was sent for a reference is sold when its call is bought`() async throws {
        let store = MemoryPaymentStore()
        let claim = SamplePayment.deposit(1, for: SamplePayment.referenceHash(1), amount: 1_500)
        let outcome = try await store.deposit(claim, SamplePayment.settlement(1), reason: "awaits its call", at: 1_000)
        guard case .first(let sent) = outcome, let debt = sent.debt else { throw StoreError.defect("no deposit") }
        #expect(DebtsReport.row(sent, debt, reason: nil)[6] == .text("deposit"))
        var before = RevenueReport.Sums()
        before.add(sent)
        #expect(before.payments == 0 && before.settled == 1_500 && before.owed == 1_500 && before.net == 0)

        let bought = try await store.spendCredit(SamplePayment.call(of: SamplePayment.referenceHash(1)), at: 1_001)
        guard case .first(let call) = bought, let left = try await store.record(claim.id), let rest = left.debt else {
            throw StoreError.defect("no call")
        }
        #expect(DebtsReport.row(left, rest, reason: nil)[6] == .text("partly spent"))
        var after = RevenueReport.Sums()
        for record in [left, call] { after.add(record) }
        #expect(after.payments == 1 && after.settled == 1_500 && after.credit == 1_000)
        #expect(after.owed == 500 && after.net == 1_000)
        let story = PaymentStory(
            record: call, events: try await store.events(call.id), word: nil, silence: nil, now: 1_002, deposits: [claim.id])
        #expect(story.text.contains("deposits \(claim.id)") && story.json["deposits"] == [.string(claim.id.description)])
        #expect(story.verdict.contains("out of what was sent for its reference"))
    }
}
