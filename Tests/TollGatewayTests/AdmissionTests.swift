// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@Suite struct AdmissionTests {
    // MARK: - Shadow mode

    @Test func `shadow mode lets everything pass, charges nothing, and says what would have been`() async throws {
        let bench = try Bench()
        let (good, bad) = (
            try await bench.credential("/paid/1"), try await bench.credential("/paid/1", .init(value: 1, nonce: 2))
        )
        var configuration = bench.configuration
        configuration.routes[0].terms?.isEnforced = false
        let shadow = bench.with(bench.gateway.reconfigured(configuration))
        for answer in [try await shadow.ask(), try await shadow.pay(good), try await shadow.pay(bad)] {
            #expect(answer.status == 200 && answer["payment-response"] == nil && answer["payment-required"] == nil)
        }
        #expect(try await bench.records().isEmpty && bench.chain.transactionCount == 0)
        #expect(bench.upstream.sent.allSatisfy { !$0.fields.contains("payment-signature") })
        #expect(bench.log.holds("shadow mode: would be refused", "reason=payment_required"))
        #expect(bench.log.holds("shadow mode: would be refused", "value_mismatch"))
        #expect(bench.log.holds("shadow mode: would be served"))
        #expect(await bench.metrics.text().contains(#"tollgate_shadow_requests_total{route="/paid/*",result="paid"} 1"#))
    }

    // MARK: - Pause

    @Test func `a paused route takes no claims, others do, and after it all is as before`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential("/paid/1")
        bench.gateway.pauses.pause("/paid/*")
        for answer in [try await bench.ask(), try await bench.pay(credential)] {
            #expect(answer.status == 503 && answer.code == "paused" && answer["retry-after"] == "60")
        }
        #expect(try await bench.records().isEmpty && bench.upstream.sent.isEmpty)
        #expect(try await bench.ask(.get, "/dear").status == 402)
        bench.gateway.pauses.resume("/paid/*")
        #expect(try await bench.pay(credential).status == 200)
    }

    @Test func `all that has a price is paused at once; what is free is not, and a reload changes nothing`() async throws {
        let bench = try Bench()
        bench.gateway.pauses.pause(nil)
        let after = bench.with(bench.gateway.reconfigured(bench.configuration))
        #expect(try await after.ask(.get, "/paid/1").status == 503)
        #expect(try await after.ask(.get, "/dear").status == 503)
        #expect(try await after.ask(.get, "/free/x").status == 200)
        after.gateway.pauses.resume(nil)
        #expect(try await after.ask(.get, "/dear").status == 402)
    }

    @Test func `who paid before the pause gets the answer again`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential("/paid/1")
        #expect(try await bench.pay(credential).status == 200)
        bench.gateway.pauses.pause(nil)
        let again = try await bench.pay(credential)
        #expect(again.status == 200 && again.text == #"{"ok":true}"#)
        #expect(bench.upstream.sent.count == 1)
    }

    // MARK: - Denied payers

    @Test func `a denied payer gets 403 and no challenge, however the list spells it`() async throws {
        let bench = try Bench()
        let credential = try await bench.credential("/paid/1")
        var configuration = bench.configuration
        configuration.denied = DenyList([Bench.payer.address.description.uppercased().replacing("0X", with: "0x")])
        let strict = bench.with(bench.gateway.reconfigured(configuration))
        let answer = try await strict.pay(credential)
        #expect(answer.status == 403 && answer.code == "payer_denied" && answer["payment-required"] == nil)
        #expect(try await bench.records().isEmpty && bench.upstream.sent.isEmpty)
        // Asking for the price is everybody's.
        #expect(try await strict.ask().status == 402)
    }

    private func screened(
        _ answer: String, status: Int = 200, failsClosed: Bool = true, fails: Bool = false
    ) throws -> Bench {
        let bench = try Bench { sent throws(HTTPError) in
            guard sent.url.hasPrefix("http://screen.internal/") else { return .text(#"{"ok":true}"#) }
            if fails { throw HTTPError(.timedOut, "slow") }
            return ClientResponse(head: ResponseHead(status: status), body: BodyStream(Array(answer.utf8)))
        }
        var configuration = bench.configuration
        configuration.screening = ScreeningHook(
            url: try URLParts(parsing: "http://screen.internal/payers"), failsClosed: failsClosed)
        return bench.with(bench.gateway.reconfigured(configuration))
    }

    private func asked(_ bench: Bench) -> [JSON] {
        bench.upstream.sent.filter { $0.url == "http://screen.internal/payers" }.compactMap { try? JSON(parsing: $0.body) }
    }

    @Test func `the hook is asked once about a payer, before anything is claimed`() async throws {
        let bench = try self.screened(#"{"allow":true}"#)
        for nonce in 1...3 {
            #expect(try await bench.pay(try await bench.credential("/paid/1", .init(nonce: nonce))).status == 200)
        }
        let questions = self.asked(bench)
        #expect(questions.count == 1)
        #expect(questions.first?["payer"]?.string == Bench.payer.address.description)
        #expect(questions.first?["amount"] == "1000" && questions.first?["route"] == "/paid/*")
    }

    @Test func `whom it denies gets 403, and nothing is claimed`() async throws {
        let bench = try self.screened(#"{"allow":false,"reason":"sanctioned"}"#)
        let answer = try await bench.pay(try await bench.credential())
        #expect(answer.status == 403 && answer.code == "payer_denied" && answer["payment-required"] == nil)
        #expect(try await bench.records().isEmpty)
        #expect(bench.log.holds("payer denied", "reason=sanctioned"))
    }

    @Test(arguments: [("", 200), ("<html>", 200), (#"{"allow":"true"}"#, 200), (#"{"allow":true}"#, 500)])
    func `an answer that is none closes the gate`(answer: String, status: Int) async throws {
        let bench = try self.screened(answer, status: status)
        let refused = try await bench.pay(try await bench.credential())
        #expect(refused.status == 503 && refused.code == "unavailable" && refused["retry-after"] != nil)
        #expect(try await bench.records().isEmpty)
    }

    @Test func `a hook that does not answer closes the gate, or opens it where the seller says so; it is asked again`()
        async throws
    {
        let closed = try self.screened("", fails: true)
        #expect(try await closed.pay(try await closed.credential("/paid/1", .init(nonce: 1))).status == 503)
        #expect(try await closed.pay(try await closed.credential("/paid/1", .init(nonce: 2))).status == 503)
        #expect(self.asked(closed).count == 2)
        let open = try self.screened("", failsClosed: false, fails: true)
        #expect(try await open.pay(try await open.credential()).status == 200)
    }
}
