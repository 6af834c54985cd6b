// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@testable import TollRuntime

@Suite struct MetricsTests {
    @Test func `counters, histograms and gauges read as Prometheus writes them`() async {
        let metrics = MetricsRegistry()
        metrics.counter("tollgate_requests_total", "Requests.", ["route": "GET /a", "status": "402"]).increment(by: 3)
        metrics.counter("tollgate_requests_total", "Requests.", ["route": "GET /a", "status": "200"]).increment()
        let took = metrics.histogram("tollgate_wait_seconds", "Waiting.", bounds: [.milliseconds(100), .seconds(1)])
        for duration in [Duration.milliseconds(50), .milliseconds(100), .milliseconds(500), .seconds(5)] {
            took.observe(duration)
        }
        metrics.gauge("tollgate_balance", "A balance.") {
            [
                MetricSample(DecimalAmount(units: 15, decimals: 1), ["signer": "0x1"]), .infinite(["signer": "0x2"]),
                MetricSample(-3),
            ]
        }
        #expect(
            await metrics.text() == """
                # HELP tollgate_balance A balance.
                # TYPE tollgate_balance gauge
                tollgate_balance{signer="0x1"} 1.5
                tollgate_balance{signer="0x2"} +Inf
                tollgate_balance -3
                # HELP tollgate_requests_total Requests.
                # TYPE tollgate_requests_total counter
                tollgate_requests_total{route="GET /a",status="200"} 1
                tollgate_requests_total{route="GET /a",status="402"} 3
                # HELP tollgate_wait_seconds Waiting.
                # TYPE tollgate_wait_seconds histogram
                tollgate_wait_seconds_bucket{le="0.1"} 2
                tollgate_wait_seconds_bucket{le="1"} 3
                tollgate_wait_seconds_bucket{le="+Inf"} 4
                tollgate_wait_seconds_sum 5.65
                tollgate_wait_seconds_count 4

                """)
    }

    @Test func `the same name and labels are the same counter`() {
        let metrics = MetricsRegistry()
        let first = metrics.counter("a_total", "A.", ["b": "1"])
        #expect(first === metrics.counter("a_total", "A.", ["b": "1"]))
        #expect(first !== metrics.counter("a_total", "A.", ["b": "2"]))
    }

    @Test func `what labels hold breaks no line`() async {
        let metrics = MetricsRegistry()
        metrics.counter("a_total", "A\n\"b\" \\", ["x": "1\"\n\\"]).increment()
        #expect(
            await metrics.text() == """
                # HELP a_total A\\n"b" \\\\
                # TYPE a_total counter
                a_total{x="1\\"\\n\\\\"} 1

                """)
    }

    @Test func `more series than anybody reads are one`() async {
        let metrics = MetricsRegistry()
        for number in 0..<(MetricsRegistry.seriesMax + 50) { metrics.counter("a_total", "A.", ["x": "\(number)"]).increment() }
        let lines = await metrics.text().split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count == MetricsRegistry.seriesMax + 1)
        #expect(lines.contains("a_total{x=\"other\"} 50"))
    }

    @Test func `counting from many tasks loses nothing`() async {
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<1_000 { counter.increment() } } }
        }
        #expect(counter.value == 8_000)
    }
}
