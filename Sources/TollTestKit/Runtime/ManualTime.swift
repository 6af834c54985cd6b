// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollRuntime

/// Time that passes only when the test, or a sleep, says so.
public final class ManualTime: Sendable {
    /// How often randomness was drawn, in any environment.
    private static let drawn = Mutex<UInt64>(0)

    private let now: Mutex<Duration>
    private let sleepPasses: Bool

    /// Time that stands still.
    ///
    /// - Parameters:
    ///   - start: Since 1970.
    ///   - sleepPasses: Whether a sleep makes its duration pass; otherwise it only lets others run.
    public init(start: Duration, sleepPasses: Bool = true) {
        self.now = Mutex(start)
        self.sleepPasses = sleepPasses
    }

    /// Lets `duration` pass.
    public func advance(by duration: Duration) {
        self.now.withLock { $0 += duration }
    }

    /// An environment whose clocks are this one. Its random bytes are none: they count, so that no two draws are alike.
    public var environment: Environment {
        var environment = Environment.failing
        environment.wallClock = { self.now.withLock { $0 } }
        environment.monotonic = { self.now.withLock { $0 } }
        environment.sleep = { duration in
            try Task.checkCancellation()
            if self.sleepPasses { self.advance(by: duration) }
            await Task.yield()
        }
        environment.randomBytes = { count in
            let number = Self.drawn.withLock { drawn in
                drawn += 1
                return drawn
            }
            return (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) : 0 }
        }
        return environment
    }
}
