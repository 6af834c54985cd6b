// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Durations as people write them: `500ms`, `30s`, `5m`, `1h`, `2d`. Whole numbers of one unit.
public enum DurationText {
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Nil when `text` is not digits and a unit, or is over a hundred years.
    public static func parse(_ text: String) -> Duration? {
        guard let (number, suffix) = splitNumber(text), number <= 3_153_600_000_000,
            let unit = units.first(where: { $0.suffix == suffix })
        else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow, milliseconds <= 3_153_600_000_000 else { return nil }
        return .milliseconds(milliseconds)
    }

    /// In the largest unit that makes it whole; below a millisecond it is cut.
    public static func format(_ duration: Duration) -> String {
        let parts = duration.components
        let milliseconds = parts.seconds * 1_000 + parts.attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        let unit = units.last { milliseconds.isMultiple(of: $0.milliseconds) } ?? units[0]
        return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
    }
}

/// Sizes as people write them, in powers of 1,024: `512B`, `16KiB`, `64MiB`, `1GiB`.
public enum ByteCountText {
    private static let units: [(suffix: String, bytes: Int64)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ]

    /// Nil when `text` is not digits and a unit, or does not fit.
    public static func parse(_ text: String) -> Int? {
        guard let (number, suffix) = splitNumber(text), let unit = units.first(where: { $0.suffix == suffix }) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : Int(exactly: bytes)
    }

    /// In the largest unit that makes it whole.
    public static func format(_ bytes: Int) -> String {
        guard bytes != 0 else { return "0B" }
        let unit = units.last { Int64(bytes).isMultiple(of: $0.bytes) } ?? units[0]
        return "\(Int64(bytes) / unit.bytes)\(unit.suffix)"
    }
}

private func splitNumber(_ text: String) -> (Int64, Substring)? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits) else { return nil }
    return (number, text[digits.endIndex...])
}
