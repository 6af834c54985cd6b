// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollFacilitator
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// What Prometheus and the log are told of the facilitator's requests.
@Suite struct WatchingTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private let metrics = MetricsRegistry()
    private let lines = Lines()

    private func facilitator(isDown: Bool = false, tokens: [Secret<String>] = []) -> Facilitator {
        let store = MemoryPaymentStore()
        let chain = FakeChain(store)
        if isDown { chain.weather = .down }
        var configuration = Stand.configuration
        configuration.tokens = tokens
        return Facilitator(
            configuration, methods: [chain], store: store, environment: ManualTime(start: .seconds(1_740_672_100)).environment,
            log: .silent, metrics: FacilitatorMetrics(self.metrics),
            access: Logger(clock: { .zero }, write: { [lines] line in lines.all.withLock { $0.append(line) } }))
    }

    /// The counters of requests, as they are scraped.
    private func counts() async -> [String] {
        let name = "tollgate_facilitator_requests_total"
        return await self.metrics.text().split(separator: "\n").filter { $0.hasPrefix("\(name){") }
            .map { String($0.dropFirst(name.count)) }.sorted()
    }

    @Test func `each request is counted by what was asked and what came of it`() async throws {
        let facilitator = self.facilitator()
        let wrong = try Bodies.changing("paymentRequirements.amount", to: "10001")
        for request in [
            Request.get("/health"), .get("/supported"), .post("/verify", Bodies.v2), .post("/verify", wrong),
            .post("/verify", "{}"), .post("/settle", wrong), .post("/settle", Bodies.v2), .post("/settle", Bodies.v2),
            .get("/elsewhere?payer=0x1"), .get("/settle"),
        ] { _ = await facilitator.answer(request) }
        let mismatch = "invalid_exact_evm_payload_authorization_value_mismatch"
        #expect(
            await self.counts() == [
                #"{endpoint="health",result="ok",reason=""} 1"#,
                #"{endpoint="none",result="method_not_allowed",reason=""} 1"#,
                #"{endpoint="none",result="not_found",reason=""} 1"#,
                #"{endpoint="settle",result="duplicate",reason=""} 1"#,
                #"{endpoint="settle",result="refused",reason="\#(mismatch)"} 1"#,
                #"{endpoint="settle",result="settled",reason=""} 1"#,
                #"{endpoint="supported",result="ok",reason=""} 1"#,
                #"{endpoint="verify",result="invalid",reason="\#(mismatch)"} 1"#,
                #"{endpoint="verify",result="malformed_request",reason=""} 1"#,
                #"{endpoint="verify",result="valid",reason=""} 1"#,
            ])
        let text = await self.metrics.text()
        #expect(text.contains(#"tollgate_facilitator_request_duration_seconds_count{endpoint="settle"} 3"#))
    }

    @Test func `what is not answered is counted by the problem`() async {
        _ = await self.facilitator(isDown: true).answer(.post("/settle", Bodies.v2))
        let guarded = self.facilitator(tokens: [Secret("right")])
        _ = await guarded.answer(.post("/verify", Bodies.v2, ["Authorization": "Bearer wrong"]))
        #expect(
            await self.counts() == [
                #"{endpoint="settle",result="unavailable",reason=""} 1"#,
                #"{endpoint="verify",result="invalid_token",reason=""} 1"#,
            ])
    }

    @Test func `each request has a line, without its query`() async throws {
        _ = await self.facilitator().answer(.get("/supported?key=secret"))
        let lines = self.lines.all.withLock { $0 }
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(line.contains("facilitator request method=GET path=/supported status=200 result=ok"))
        #expect(line.contains("client=192.0.2.1") && !line.contains("secret"))
    }
}
