// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@Suite struct WatchingTests {
    private func lines(_ bench: Bench) async -> Set<String> {
        Set(await bench.metrics.text().split(separator: "\n").map(String.init))
    }

    @Test func `challenges, paid and free requests, and errors are counted by route and status`() async throws {
        let bench = try Bench()
        try await bench.ask(.get, "/paid/1")
        try await bench.ask(.get, "/paid/2")
        try await bench.ask(.get, "/paid/1", ["Accept": "text/html", "User-Agent": "Mozilla/5.0"])
        try await bench.ask(.get, "/free/x")
        try await bench.ask(.get, "/nowhere")
        try await bench.pay(try await bench.credential("/paid/3"))
        let lines = await self.lines(bench)
        for line in [
            #"tollgate_challenges_total{route="/paid/*"} 4"#, #"tollgate_requests_total{route="/paid/*",status="402"} 4"#,
            #"tollgate_requests_total{route="/paid/*",status="200"} 1"#,
            #"tollgate_requests_total{route="/free/**",status="200"} 1"#,
            #"tollgate_requests_total{route="none",status="404"} 1"#,
            #"tollgate_verifications_total{result="valid",reason=""} 1"#,
            #"tollgate_paid_requests_total{result="delivered",reason=""} 1"#,
            #"tollgate_upstream_requests_total{upstream="api",result="2xx"} 2"#,
            #"tollgate_request_duration_seconds_count{kind="paid"} 1"#,
            #"tollgate_request_duration_seconds_count{kind="free"} 1"#,
            #"tollgate_request_duration_seconds_count{kind="other"} 2"#,
            #"tollgate_verification_duration_seconds_count 1"#,
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test func `what is refused is counted by its reason, and a failing upstream as such`() async throws {
        let bench = try Bench { _ throws(HTTPError) in throw HTTPError(.timedOut, "slow") }
        try await bench.pay(try await bench.credential("/paid/1", .init(value: 1)))
        try await bench.pay(try await bench.credential("/paid/1", .init(nonce: 2)))
        let lines = await self.lines(bench)
        for line in [
            #"tollgate_paid_requests_total{result="refused",reason="invalid_exact_evm_payload_authorization_value_mismatch"} 1"#,
            #"tollgate_paid_requests_total{result="upstream_failed",reason=""} 1"#,
            #"tollgate_upstream_requests_total{upstream="api",result="timeout"} 1"#,
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test func `counts go on after a reload`() async throws {
        let bench = try Bench()
        try await bench.ask(.get, "/paid/1")
        let after = bench.with(bench.gateway.reconfigured(bench.configuration))
        try await after.ask(.get, "/paid/1")
        #expect(await self.lines(bench).contains(#"tollgate_challenges_total{route="/paid/*"} 2"#))
    }

    // MARK: - The access log

    @Test func `each request has a line, without its query, and with its payment`() async throws {
        let bench = try Bench(access: .on)
        try await bench.ask(.get, "/paid/1?key=hunter2")
        try await bench.ask(.get, "/free/x?key=hunter2")
        try await bench.pay(.get, "/paid/1?key=hunter2", try await bench.credential("/paid/1"))
        let payment = try #require(try await bench.records().first?.id)
        let lines = bench.log.lines.filter { $0.contains(" request ") }
        #expect(lines.count == 4 && !lines.contains { $0.contains("hunter2") })
        #expect(lines[0].contains("method=GET path=/paid/1 route=/paid/* status=402 bytes="))
        #expect(lines[1].contains("method=GET path=/free/x route=/free/** status=200 bytes=11 microseconds="))
        #expect(lines[3].contains("status=200 bytes=11 ") && lines[3].contains(" payment=\(payment) "))
        #expect(lines.allSatisfy { $0.contains("client=192.0.2.7 ") && $0.contains(" trace=") && $0.contains(" request=") })
    }

    @Test func `the query is written when it is asked for`() async throws {
        let bench = try Bench(access: .query)
        try await bench.ask(.get, "/paid/1?a=b")
        #expect(bench.log.holds("path=\"/paid/1?a=b\" "))
    }

    @Test func `all lines of a request bear its id`() async throws {
        let bench = try Bench(access: .on)
        let head = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        try await bench.pay(.get, "/paid/1", try await bench.credential("/paid/1"), ["traceparent": head])
        let lines = bench.log.lines.filter { $0.contains(" paid ") || $0.contains("4bf92f3577b34da6a3ce929d0e0e4736") }
        let ids = Set(lines.map { $0.suffix(24) })
        #expect(lines.count == 2 && ids.count == 1 && ids.first?.hasPrefix("request=") == true)
    }
}
