// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollRuntime

/// Time that passes only when the test, or a sleep, says so.
public final class ManualTime: Sendable {
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

    /// An environment whose clocks are this one, and that has no randomness.
    public var environment: Environment {
        var environment = Environment.failing
        environment.wallClock = { self.now.withLock { $0 } }
        environment.monotonic = { self.now.withLock { $0 } }
        environment.sleep = { duration in
            try Task.checkCancellation()
            if self.sleepPasses { self.advance(by: duration) }
            await Task.yield()
        }
        return environment
    }
}
