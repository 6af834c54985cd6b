// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// The process's measurements, rendered as Prometheus text (exposition format 0.0.4).
///
/// Asking twice for one name and one set of labels gives the same instrument.
public final class MetricsRegistry: Sendable {
    /// The `Content-Type` of ``text()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    /// So many sets of labels a name may have; more would be labels taken from requests, and grow without end. Further sets
    /// are counted together under `overflow="true"`.
    public static let seriesCountMax = 1_000

    private struct Family {
        var help: String
        var type: String
        var series: [String: any Instrument] = [:]
        var order: [String] = []
    }

    private let families = Mutex<[String: Family]>([:])

    /// An empty registry.
    public init() {}

    /// A number that only grows. Its name ends in `_total`.
    public func counter(_ name: String, help: String, labels: [String: String] = [:]) -> Counter {
        precondition(name.hasSuffix("_total"), "The counter \(name) does not end in _total.")
        return self.instrument(name, help: help, type: "counter", labels: labels) { Counter() }
    }

    /// A number that goes up and down.
    public func gauge(_ name: String, help: String, labels: [String: String] = [:]) -> Gauge {
        self.instrument(name, help: help, type: "gauge", labels: labels) { Gauge() }
    }

    /// Durations, counted by how long they were. Its name ends in `_seconds`.
    public func histogram(
        _ name: String,
        help: String,
        labels: [String: String] = [:],
        bounds: [Duration] = DurationHistogram.defaultBounds
    ) -> DurationHistogram {
        precondition(name.hasSuffix("_seconds"), "The histogram \(name) does not end in _seconds.")
        return self.instrument(name, help: help, type: "histogram", labels: labels) { DurationHistogram(bounds: bounds) }
    }

    /// All measurements, names in alphabetical order.
    public func text() -> String {
        let families = self.families.withLock { $0 }
        var lines: [String] = []
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            lines.append("# HELP \(name) \(Self.escaped(family.help))")
            lines.append("# TYPE \(name) \(family.type)")
            for labels in family.order { lines += family.series[labels]?.lines(name: name, labels: labels) ?? [] }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private func instrument<Kind: Instrument>(
        _ name: String,
        help: String,
        type: String,
        labels: [String: String],
        make: () -> Kind
    ) -> Kind {
        precondition(Self.isName(name), "The metric \(name) is not named tollgate_ with a-z, 0-9 and _.")
        var key = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value, quotes: true))\"" }
            .joined(separator: ",")
        return self.families.withLock { families in
            var family = families[name] ?? Family(help: help, type: type)
            precondition(family.type == type, "The metric \(name) is a \(family.type) already.")
            if family.series[key] == nil, family.order.count >= Self.seriesCountMax { key = "overflow=\"true\"" }
            if let existing = family.series[key] as? Kind { return existing }
            let made = make()
            family.series[key] = made
            family.order.append(key)
            families[name] = family
            return made
        }
    }

    private static func isName(_ name: String) -> Bool {
        name.hasPrefix("tollgate_")
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }

    private static func escaped(_ text: String, quotes: Bool = false) -> String {
        text.map { character -> String in
            switch character {
            case "\\": "\\\\"
            case _ where character.isNewline: "\\n"
            case "\"" where quotes: "\\\""
            default: String(character)
            }
        }.joined()
    }
}
