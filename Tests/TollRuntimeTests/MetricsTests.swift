// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollRuntime

@Suite struct MetricsTests {
    @Test func `the text is Prometheus exposition`() {
        let metrics = MetricsRegistry()
        metrics.counter("tollgate_requests_total", help: "Requests.", labels: ["route": "GET /\"a\"\n", "code": "402"]).increment(
            by: 3
        )
        metrics.counter("tollgate_requests_total", help: "Requests.", labels: ["code": "402", "route": "GET /\"a\"\n"])
            .increment()
        metrics.gauge("tollgate_connections", help: "Open\nconnections.").set(-2)
        let latency = metrics.histogram("tollgate_claim_seconds", help: "Claims.", bounds: [.milliseconds(5), .seconds(1)])
        for duration: Duration in [.milliseconds(5), .microseconds(5_001), .seconds(2)] { latency.record(duration) }
        #expect(
            metrics.text() == """
                # HELP tollgate_claim_seconds Claims.
                # TYPE tollgate_claim_seconds histogram
                tollgate_claim_seconds_bucket{le="0.005"} 1
                tollgate_claim_seconds_bucket{le="1"} 2
                tollgate_claim_seconds_bucket{le="+Inf"} 3
                tollgate_claim_seconds_sum 2.010001
                tollgate_claim_seconds_count 3
                # HELP tollgate_connections Open\\nconnections.
                # TYPE tollgate_connections gauge
                tollgate_connections -2
                # HELP tollgate_requests_total Requests.
                # TYPE tollgate_requests_total counter
                tollgate_requests_total{code="402",route="GET /\\"a\\"\\n"} 4

                """
        )
    }

    @Test func `labels without end are counted together`() {
        let metrics = MetricsRegistry()
        for index in 0..<(MetricsRegistry.seriesCountMax + 5) {
            metrics.counter("tollgate_x_total", help: "X.", labels: ["i": "\(index)"]).increment()
        }
        let lines = metrics.text().split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count == MetricsRegistry.seriesCountMax + 1)
        #expect(lines.last == "tollgate_x_total{overflow=\"true\"} 5")
    }

    @Test func `a name outside tollgate_ stops the program`() async {
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("requests", help: "") }
    }
}
