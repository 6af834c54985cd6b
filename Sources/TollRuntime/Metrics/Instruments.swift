// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// A number that only grows. Counting is one atomic addition: from any thread, without a lock and without memory.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    /// From zero.
    public init() {}

    /// Counts one more, or so many.
    public func increment(by amount: UInt64 = 1) { self.count.wrappingAdd(amount, ordering: .relaxed) }

    /// As counted so far.
    public var value: UInt64 { self.count.load(ordering: .relaxed) }
}

/// How long something took, counted by ranges.
public final class Histogram: Sendable {
    /// Seconds, for what waits for an upstream, a node or a block: a millisecond to a minute.
    public static let requestBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    /// Seconds, for what waits for a disk: a tenth of a millisecond to a second.
    public static let commitBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

    /// Upper bounds in seconds, ascending.
    let bounds: [Double]
    /// One for each bound, and one for what is above all of them.
    private let buckets: [Counter]
    private let microseconds = Counter()

    /// - Parameter bounds: Upper bounds in seconds, ascending.
    public init(bounds: [Double] = Histogram.requestBounds) {
        self.bounds = bounds
        self.buckets = (0...bounds.count).map { _ in Counter() }
    }

    /// Counts what took so long.
    public func observe(_ duration: Duration) {
        let seconds = max(0, duration / .seconds(1))
        self.buckets[self.bounds.firstIndex { seconds <= $0 } ?? self.bounds.count].increment()
        self.microseconds.increment(by: UInt64(min(seconds * 1e6, 1e15)))
    }

    /// How many took at most as long as each bound, and in all: each at least as many as the one before.
    var cumulative: [UInt64] {
        var sum: UInt64 = 0
        return self.buckets.map { bucket in
            sum += bucket.value
            return sum
        }
    }

    /// In seconds.
    var sum: Double { Double(self.microseconds.value) / 1e6 }
}
