// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Synchronization
internal import TollPrimitives

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
    /// For what waits for an upstream, a node or a block: a millisecond to a minute.
    public static let requestBounds: [Duration] =
        [1, 2.5, 5, 10, 25, 50, 100, 250, 500].map { .milliseconds($0) } + [1, 2.5, 5, 10, 30, 60].map { .seconds($0) }
    /// For what waits for a disk: a tenth of a millisecond to a second.
    public static let commitBounds: [Duration] =
        [100, 250, 500].map { .microseconds($0) } + [1, 2.5, 5, 10, 25, 50, 100, 250].map { .milliseconds($0) } + [.seconds(1)]

    /// Upper bounds, ascending.
    let bounds: [Duration]
    /// One for each bound, and one for what is above all of them.
    private let buckets: [Counter]
    private let microseconds = Counter()

    /// - Parameter bounds: Upper bounds, ascending.
    public init(bounds: [Duration] = Histogram.requestBounds) {
        self.bounds = bounds
        self.buckets = (0...bounds.count).map { _ in Counter() }
    }

    /// Counts what took so long.
    public func observe(_ duration: Duration) {
        self.buckets[self.bounds.firstIndex { duration <= $0 } ?? self.bounds.count].increment()
        self.microseconds.increment(by: duration.wholeMicroseconds)
    }

    /// How many took at most as long as each bound, and in all: each at least as many as the one before.
    var cumulative: [UInt64] {
        var sum: UInt64 = 0
        return self.buckets.map { bucket in
            sum += bucket.value
            return sum
        }
    }

    /// In seconds, as a decimal.
    var sum: String { DecimalAmount(units: UInt256(self.microseconds.value), decimals: 6).description }
}

extension Duration {
    /// Rounded down; 0 for negative durations.
    public var wholeMicroseconds: UInt64 {
        UInt64(clamping: max(self, .zero).attoseconds / 1_000_000_000_000)
    }

    /// Seconds as a decimal: `0.0025`.
    var secondsText: String { DecimalAmount(units: UInt256(self.wholeMicroseconds), decimals: 6).description }
}
