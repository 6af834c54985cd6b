// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP

@testable import TollHTTPEngine

@Suite struct BodyPaceTests {
    private static let limits = {
        var limits = ServerLimits()
        limits.bodyIdleTime = .seconds(30)
        limits.bodyRate = 500
        return limits
    }()
    private static let second: UInt64 = 1_000_000_000

    @Test func `a byte now and then is no progress`() {
        var pace = BodyPace()
        var (now, received): (UInt64, UInt64) = (0, 0)
        while true {
            pace.waits(at: now)
            let patience = pace.patience(at: now, received: received, limits: Self.limits)
            guard patience > .seconds(2) else { break }
            now += 2 * Self.second
            received += 1
            pace.came(at: now)
        }
        #expect(now == 30 * Self.second)
    }

    @Test func `as fast as asked for is fast enough for any length`() {
        var pace = BodyPace()
        var now: UInt64 = 0
        for round in 0..<10_000 {
            pace.waits(at: now)
            let patience = pace.patience(at: now, received: UInt64(round) * 500, limits: Self.limits)
            #expect(patience == .seconds(30))
            now += Self.second
            pace.came(at: now)
        }
    }

    @Test func `time in which nobody asks for it does not count`() {
        var pace = BodyPace()
        pace.waits(at: 0)
        pace.came(at: Self.second)
        pace.waits(at: 3_600 * Self.second)
        #expect(pace.patience(at: 3_600 * Self.second, received: 1, limits: Self.limits) == .seconds(29) + .milliseconds(2))
    }

    @Test func `a rate of zero asks only for progress, and no length overflows`() {
        var limits = Self.limits
        limits.bodyRate = 0
        var pace = BodyPace()
        pace.waits(at: 0)
        pace.came(at: 1 << 50)
        pace.waits(at: 1 << 50)
        #expect(pace.patience(at: 1 << 50, received: 0, limits: limits) == .seconds(30))
        #expect(pace.patience(at: 1 << 50, received: .max, limits: Self.limits) == .seconds(30))
        #expect(pace.patience(at: 1 << 50, received: 0, limits: Self.limits) == .zero)
    }
}
