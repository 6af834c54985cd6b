// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Text for times, without a calendar library.
public enum CalendarTime {
    /// `2026-03-01T12:00:00.125Z` (RFC 3339, UTC, milliseconds) for a time since 1970.
    public static func rfc3339(_ sinceEpoch: Duration) -> String {
        let parts = sinceEpoch.components
        let seconds = max(0, parts.seconds)
        let (year, month, day) = Self.date(daysSinceEpoch: seconds / 86_400)
        let time = seconds % 86_400
        let clock = [time / 3_600, time / 60 % 60, time % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        let milliseconds = Self.padded(parts.attoseconds / 1_000_000_000_000_000, 3)
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T\(clock).\(milliseconds)Z"
    }

    /// The proleptic Gregorian date; years are counted from March so that a leap day comes last.
    private static func date(daysSinceEpoch days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468  // Days from 0000-03-01 to 1970-01-01.
        let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)  // 400 years.
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
