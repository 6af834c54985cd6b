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

    /// `2026-03-01T12:00:00Z` (RFC 3339, UTC) for a time in seconds since 1970.
    public static func rfc3339(seconds: Int64) -> String {
        self.rfc3339(.seconds(seconds)).dropLast(5) + "Z"
    }

    /// `2026-03-01 12:00:00`, in UTC, for people.
    public static func text(seconds: Int64) -> String {
        String(self.rfc3339(seconds: seconds).map { $0 == "T" ? " " : $0 }.dropLast())
    }

    /// `2026-03-01`: the day in UTC of a time in seconds since 1970.
    public static func day(seconds: Int64) -> String {
        String(self.rfc3339(seconds: seconds).prefix(10))
    }

    /// Seconds since 1970 of `2026-03-01` (its beginning in UTC) or `2026-03-01T12:00:00Z` (RFC 3339, any offset, fractions cut);
    /// nil for anything else, and for days that no calendar has.
    public static func seconds(_ text: String) -> Int64? {
        let parts = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
        let date = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard date.count == 3, let year = self.number(date[0], digits: 4), let month = self.number(date[1], digits: 2),
            let day = self.number(date[2], digits: 2), year >= 1970, (1...12).contains(month), day >= 1
        else { return nil }
        let days = self.daysSinceEpoch(year: year, month: month, day: day)
        guard self.date(daysSinceEpoch: days) == (year, month, day) else { return nil }
        guard parts.count == 2 else { return days * 86_400 }
        return self.timeOfDay(parts[1]).map { days * 86_400 + $0 }
    }

    /// `12:00:00Z`, `12:00:00.5+02:00`: seconds since the day's beginning in UTC.
    private static func timeOfDay(_ text: Substring) -> Int64? {
        guard let zone = text.firstIndex(where: { "Zz+-".contains($0) }) else { return nil }
        let clock = text[..<zone].prefix { $0 != "." }.split(separator: ":", omittingEmptySubsequences: false)
        let fraction = text[..<zone].dropFirst(text[..<zone].prefix { $0 != "." }.count)
        guard clock.count == 3, let hour = self.number(clock[0], digits: 2), let minute = self.number(clock[1], digits: 2),
            let second = self.number(clock[2], digits: 2), hour < 24, minute < 60, second <= 60,
            fraction.isEmpty || (fraction.count > 1 && fraction.dropFirst().allSatisfy { $0.isASCII && $0.isNumber })
        else { return nil }
        let time = hour * 3_600 + minute * 60 + second
        if text[zone...].lowercased() == "z" { return time }
        let offset = text[zone...].dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard offset.count == 2, let hours = self.number(offset[0], digits: 2), let minutes = self.number(offset[1], digits: 2),
            hours < 24, minutes < 60
        else { return nil }
        return text[zone] == "+" ? time - hours * 3_600 - minutes * 60 : time + hours * 3_600 + minutes * 60
    }

    private static func number(_ text: Substring, digits: Int) -> Int64? {
        guard text.count == digits, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int64(text)
    }

    /// The other way of ``date(daysSinceEpoch:)``.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year  // Years counted from March.
        let (era, yearOfEra) = (shifted / 400, shifted % 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
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
