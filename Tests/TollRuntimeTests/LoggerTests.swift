// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollPrimitives
import TollRuntime

@Suite struct LoggerTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { self.lines.withLock { $0 } }
        func logger(_ format: Logger.Format = .text, level: Logger.Level = .debug) -> Logger {
            Logger(level: level, format: format, clock: { .milliseconds(1_772_366_400_125) }) { line in
                self.lines.withLock { $0.append(line) }
            }
        }
    }

    @Test func `a line has time, level, message and fields`() {
        let lines = Lines()
        lines.logger().with(["route": "GET /weather/*"]).info("settled", ["block": 12, "final": true, "hash": "0xab"])
        #expect(lines.all == ["2026-03-01T12:00:00.125Z info    settled route=\"GET /weather/*\" block=12 final=true hash=0xab"])
    }

    @Test func `the JSON form keeps numbers and booleans, and names each member once`() {
        let lines = Lines()
        lines.logger(.json).with(["a": "x\"y"]).warning("odd", ["a": 5, "level": false, "big": UInt64.max])
        #expect(
            lines.all == [
                """
                {"time":"2026-03-01T12:00:00.125Z","level":"warning","message":"odd","a":"x\\"y","a_":5,"level_":false,\
                "big":18446744073709551615}
                """
            ]
        )
    }

    @Test(arguments: [
        ("/a\r\n2026-01-01T00:00:00.000Z error forged", #""/a\u000d\u000a2026-01-01T00:00:00.000Z error forged""#),
        ("\u{1B}[31mred", #""\u001b[31mred""#), ("a b", #""a b""#), ("a=b", #""a=b""#), ("", #""""#),
        ("\u{85}\u{2028}", #""\u0085\u2028""#),
        ("plain/é", "plain/é"),
    ])
    func `no value breaks a line or forges a field`(value: String, printed: String) {
        let lines = Lines()
        lines.logger().info("got", ["path": value])
        #expect(lines.all.first?.hasSuffix("got path=\(printed)") == true, "\(lines.all)")
        #expect(lines.all.first?.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x1B } == true)
    }

    @Test func `messages and field names are escaped too`() {
        let lines = Lines()
        lines.logger().info("a\nb", ["c\nd": 1])
        #expect(lines.all.first?.hasSuffix("a\\nb c\\nd=1") == true)
    }

    @Test(arguments: Logger.Format.allCases)
    func `secrets stay redacted`(format: Logger.Format) {
        let lines = Lines()
        lines.logger(format).info("key \(Secret("hunter2"))", ["key": Secret("hunter2")])
        #expect(lines.all.first?.contains("<redacted>") == true)
        #expect(lines.all.first?.contains("hunter2") == false)
    }

    @Test func `lines below the level are not even made`() {
        let lines = Lines()
        let log = lines.logger(level: .warning)
        func expensive() -> String {
            Issue.record("the message is made")
            return ""
        }
        log.info(expensive())
        log.error("said")
        #expect(lines.all.count == 1)
    }
}
