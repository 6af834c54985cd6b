// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Synchronization
public import TollPrimitives

/// A number that was read when somebody asked, with the labels that tell it from others of its name.
public struct MetricSample: Sendable {
    let labels: [(name: String, value: String)]
    let value: String

    /// A whole number.
    public init(_ value: some BinaryInteger, _ labels: KeyValuePairs<String, String> = [:]) {
        self.init(text: value.description, labels)
    }

    /// A decimal.
    public init(_ value: DecimalAmount, _ labels: KeyValuePairs<String, String> = [:]) {
        self.init(text: value.description, labels)
    }

    /// More than can be counted.
    public static func infinite(_ labels: KeyValuePairs<String, String> = [:]) -> MetricSample {
        MetricSample(text: "+Inf", labels)
    }

    private init(text: String, _ labels: KeyValuePairs<String, String>) {
        self.labels = labels.map { ($0.key, $0.value) }
        self.value = text
    }
}

/// Everything that a process counts, by name and labels, and what it looks like to Prometheus.
///
/// Whoever counts asks for its counter once and keeps it; then counting needs neither the registry nor a lock. Labels are never
/// taken from what clients send: no payers, no paths. Should a name have more series than ``seriesMax`` all the same, the rest is
/// one series whose labels are `other`.
public final class MetricsRegistry: Sendable {
    /// Series of one name. Two thousand routes with ten statuses each would be more; a scrape of that size helps nobody.
    static let seriesMax = 2_000

    private enum Kind: String {
        case counter, gauge, histogram
    }

    private enum Instrument {
        case counter(Counter)
        case histogram(Histogram)
    }

    private struct Series {
        let labels: [(name: String, value: String)]
        let instrument: Instrument
    }

    private struct Family {
        let help: String
        let kind: Kind
        var series: [[String]: Series] = [:]
        var read: (@Sendable () async -> [MetricSample])?
    }

    private let families = Mutex<[String: Family]>([:])

    /// Of nothing yet.
    public init() {}

    /// The counter of this name and these labels: the same one whenever it is asked for.
    ///
    /// - Parameter name: `tollgate_…_total`.
    public func counter(_ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:]) -> Counter {
        let made = self.instrument(name, help, .counter, labels) { .counter(Counter()) }
        guard case .counter(let counter) = made else { preconditionFailure("\(name) is no counter.") }
        return counter
    }

    /// The histogram of this name and these labels.
    ///
    /// - Parameter name: `tollgate_…_seconds`.
    public func histogram(
        _ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:],
        bounds: [Duration] = Histogram.requestBounds
    ) -> Histogram {
        let made = self.instrument(name, help, .histogram, labels) { .histogram(Histogram(bounds: bounds)) }
        guard case .histogram(let histogram) = made else { preconditionFailure("\(name) is no histogram.") }
        return histogram
    }

    /// Numbers that go up and down, read whenever somebody asks.
    public func gauge(_ name: String, _ help: String, _ read: @escaping @Sendable () async -> [MetricSample]) {
        self.families.withLock { $0[name] = Family(help: help, kind: .gauge, read: read) }
    }

    /// A number that only grows and that somebody else counts, read whenever somebody asks.
    public func counter(_ name: String, _ help: String, _ read: @escaping @Sendable () async -> [MetricSample]) {
        self.families.withLock { $0[name] = Family(help: help, kind: .counter, read: read) }
    }

    private func instrument(
        _ name: String, _ help: String, _ kind: Kind, _ labels: KeyValuePairs<String, String>, _ make: () -> Instrument
    ) -> Instrument {
        self.families.withLock { families in
            var family = families[name] ?? Family(help: help, kind: kind)
            defer { families[name] = family }
            var labels = labels.map { (name: $0.key, value: $0.value) }
            if let known = family.series[labels.map(\.value)] { return known.instrument }
            if family.series.count >= Self.seriesMax { labels = labels.map { ($0.name, "other") } }
            let key = labels.map(\.value)
            let series = family.series[key] ?? Series(labels: labels, instrument: make())
            family.series[key] = series
            return series.instrument
        }
    }

    // MARK: - Text

    /// The media type of ``text()``.
    public static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// Everything, in the text format of Prometheus (exposition format 0.0.4).
    public func text() async -> String {
        var text = ""
        let families = self.families.withLock { $0 }.sorted { $0.key < $1.key }
        for (name, family) in families {
            var lines = ""
            for (_, series) in family.series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                lines += Self.lines(name, series)
            }
            for sample in await family.read?() ?? [] {
                lines += Self.line(name, sample.labels, sample.value)
            }
            guard !lines.isEmpty else { continue }
            text += "# HELP \(name) \(Self.escaped(family.help))\n# TYPE \(name) \(family.kind.rawValue)\n" + lines
        }
        return text
    }

    private static func lines(_ name: String, _ series: Series) -> String {
        switch series.instrument {
        case .counter(let counter): return self.line(name, series.labels, "\(counter.value)")
        case .histogram(let histogram):
            let counts = histogram.cumulative
            var lines = ""
            for (bound, count) in zip(histogram.bounds.map(\.secondsText) + ["+Inf"], counts) {
                lines += self.line(name + "_bucket", series.labels + [("le", bound)], "\(count)")
            }
            lines += self.line(name + "_sum", series.labels, histogram.sum)
            return lines + self.line(name + "_count", series.labels, "\(counts.last ?? 0)")
        }
    }

    private static func line(_ name: String, _ labels: [(name: String, value: String)], _ value: String) -> String {
        guard !labels.isEmpty else { return "\(name) \(value)\n" }
        let pairs = labels.map { "\($0.name)=\"\(self.escaped($0.value, quotes: true))\"" }
        return "\(name){\(pairs.joined(separator: ","))} \(value)\n"
    }

    private static func escaped(_ text: String, quotes: Bool = false) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
