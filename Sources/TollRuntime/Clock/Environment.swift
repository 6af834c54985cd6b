// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Time and randomness, handed to whatever needs them, so that tests decide both.
public struct Environment: Sendable {
    /// The time since 1970-01-01T00:00:00Z without leap seconds; it may jump when the system's clock is set.
    public var wallClock: @Sendable () -> Duration
    /// Time that only goes forward, from a start of no meaning; for timeouts and measurements.
    public var monotonic: @Sendable () -> Duration
    /// Returns after the duration, or throws `CancellationError` when the task is cancelled before.
    public var sleep: @Sendable (_ duration: Duration) async throws -> Void
    /// So many bytes that nobody can predict.
    public var randomBytes: @Sendable (_ count: Int) -> [UInt8]

    /// An environment of these four.
    public init(
        wallClock: @escaping @Sendable () -> Duration,
        monotonic: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (_ duration: Duration) async throws -> Void,
        randomBytes: @escaping @Sendable (_ count: Int) -> [UInt8]
    ) {
        self.wallClock = wallClock
        self.monotonic = monotonic
        self.sleep = sleep
        self.randomBytes = randomBytes
    }

    /// Whole seconds since 1970, as the protocols count.
    public func now() -> UInt64 {
        UInt64(max(0, self.wallClock().components.seconds))
    }

    /// Returns after `duration`, or throws `CancellationError` when the task is cancelled before.
    public func sleep(for duration: Duration) async throws {
        try await self.sleep(duration)
    }

    /// The system's clocks and `getrandom(2)`.
    public static let live = Environment(
        wallClock: { SystemClock.wallTime() },
        monotonic: { SystemClock.monotonicTime() },
        sleep: { try await Task.sleep(for: $0, clock: .continuous) },
        randomBytes: { count in
            // One system call for each word of eight bytes.
            var generator = SystemRandomNumberGenerator()
            var bytes: [UInt8] = []
            while bytes.count < count {
                let word = generator.next()
                for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
            }
            return Array(bytes.prefix(count))
        }
    )

    /// Stops the process at any use: a test begins with this and sets what it needs.
    public static let failing = Environment(
        wallClock: { preconditionFailure("The wall clock is read; set `wallClock`.") },
        monotonic: { preconditionFailure("The monotonic clock is read; set `monotonic`.") },
        sleep: { _ in preconditionFailure("Something sleeps; set `sleep`.") },
        randomBytes: { _ in preconditionFailure("Randomness is drawn; set `randomBytes`.") }
    )
}

/// `clock_gettime(2)`; both clocks always exist on Linux.
private enum SystemClock {
    static func wallTime() -> Duration { self.read(CLOCK_REALTIME) }

    static func monotonicTime() -> Duration { self.read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Duration(secondsComponent: Int64(time.tv_sec), attosecondsComponent: Int64(time.tv_nsec) * 1_000_000_000)
    }
}
