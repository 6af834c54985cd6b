// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct CalendarTimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_735_689_599_001, "2024-12-31T23:59:59.001Z"),
        ] as [(Int64, String)]
    )
    func `times are RFC 3339 in UTC, both ways`(milliseconds: Int64, text: String) {
        #expect(CalendarTime.rfc3339(.milliseconds(milliseconds)) == text)
        #expect(CalendarTime.parse(rfc3339: text) == .milliseconds(milliseconds))
    }

    @Test(
        arguments: [
            ("2024-01-15T10:30:00Z", .seconds(1_705_314_600)), ("2024-01-15T10:30:00.5Z", .milliseconds(1_705_314_600_500)),
            ("2024-01-15T10:30:00.123456789Z", .seconds(1_705_314_600) + .nanoseconds(123_456_789)),
            ("2024-01-15T12:00:00+01:30", .seconds(1_705_314_600)), ("2024-01-15T02:30:00-08:00", .seconds(1_705_314_600)),
            ("1970-01-01T00:30:00+00:30", .zero),
        ] as [(String, Duration)]
    )
    func `fractions and offsets are read`(text: String, time: Duration) {
        #expect(CalendarTime.parse(rfc3339: text) == time)
    }

    @Test func `every day of four centuries comes back`() {
        for day in stride(from: Int64(0), to: 146_097, by: 1) {
            let time = Duration.seconds(day * 86_400 + 1)
            #expect(CalendarTime.parse(rfc3339: CalendarTime.rfc3339(time)) == time)
        }
    }

    @Test(arguments: [
        "", "2024", "2024-01-15", "2024-01-15T10:30:00", "2024-01-15t10:30:00Z", "2024-01-15T10:30:00z", "2024-01-15 10:30:00Z",
        "2024-1-15T10:30:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-04-31T00:00:00Z",
        "2024-01-00T00:00:00Z", "2024-01-15T24:00:00Z", "2024-01-15T10:60:00Z", "2024-01-15T10:30:60Z", "2024-01-15T10:30:00.Z",
        "2024-01-15T10:30:00.1234567890Z", "2024-01-15T10:30:00+0100", "2024-01-15T10:30:00+24:00", "2024-01-15T10:30:00ZZ",
        "+024-01-15T10:30:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "2024-01-15T10:30:0²Z",
        " 2024-01-15T10:30:00Z",
        "0000-01-01T00:00:00Z",
    ])
    func `what is no such time is refused`(text: String) {
        #expect(CalendarTime.parse(rfc3339: text) == nil)
    }
}
