// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// Something that prints its sample lines.
protocol Instrument: Sendable {
    /// `labels` is what stands between the braces, or empty.
    func lines(name: String, labels: String) -> [String]
}

/// A number that only grows.
public final class Counter: Instrument {
    private let count = Atomic<UInt64>(0)

    init() {}

    /// Adds `amount`.
    public func increment(by amount: UInt64 = 1) {
        self.count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// What was counted so far.
    public var value: UInt64 { self.count.load(ordering: .relaxed) }

    func lines(name: String, labels: String) -> [String] {
        [sample(name, labels, "\(self.value)")]
    }
}

/// A number that goes up and down.
public final class Gauge: Instrument {
    private let current = Atomic<Int64>(0)

    init() {}

    /// Sets it.
    public func set(_ value: Int64) {
        self.current.store(value, ordering: .relaxed)
    }

    /// Adds `amount`, which may be negative.
    public func add(_ amount: Int64) {
        self.current.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The number now.
    public var value: Int64 { self.current.load(ordering: .relaxed) }

    func lines(name: String, labels: String) -> [String] {
        [sample(name, labels, "\(self.value)")]
    }
}

/// Durations, counted by how long they were.
public final class DurationHistogram: Instrument {
    /// From a fast local answer to a settlement that nobody waits for any more.
    public static let defaultBounds: [Duration] = [
        .milliseconds(1), .milliseconds(5), .milliseconds(10), .milliseconds(50), .milliseconds(100), .milliseconds(500),
        .seconds(1), .seconds(5), .seconds(10), .seconds(30), .seconds(60),
    ]

    private struct State {
        var counts: [UInt64]
        var sum: Duration = .zero
    }

    private let bounds: [Duration]
    private let state: Mutex<State>

    init(bounds: [Duration]) {
        self.bounds = bounds.sorted()
        self.state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    /// Counts one duration.
    public func record(_ duration: Duration) {
        let bucket = self.bounds.firstIndex { duration <= $0 } ?? self.bounds.count
        self.state.withLock { state in
            state.counts[bucket] += 1
            state.sum += duration
        }
    }

    func lines(name: String, labels: String) -> [String] {
        let (counts, sum) = self.state.withLock { ($0.counts, $0.sum) }
        let prefix = labels.isEmpty ? "" : labels + ","
        var total: UInt64 = 0
        var lines: [String] = []
        for (bound, count) in zip(self.bounds.map(seconds) + ["+Inf"], counts) {
            total += count
            lines.append(sample(name + "_bucket", prefix + "le=\"\(bound)\"", "\(total)"))
        }
        return lines + [sample(name + "_sum", labels, seconds(sum)), sample(name + "_count", labels, "\(total)")]
    }
}

private func sample(_ name: String, _ labels: String, _ value: String) -> String {
    labels.isEmpty ? "\(name) \(value)" : "\(name){\(labels)} \(value)"
}

/// Exact to the microsecond, without trailing zeros: `0.005`.
private func seconds(_ duration: Duration) -> String {
    let parts = duration.components
    let microseconds = parts.attoseconds / 1_000_000_000_000
    guard microseconds != 0 else { return "\(parts.seconds)" }
    var fraction = String(String(1_000_000 + microseconds).dropFirst())
    while fraction.last == "0" { fraction.removeLast() }
    return "\(parts.seconds).\(fraction)"
}
