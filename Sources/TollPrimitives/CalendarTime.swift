// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Text for times, without a calendar library.
public enum CalendarTime {
    /// `2026-03-01T12:00:00.125Z` (RFC 3339, UTC, milliseconds) for a time since 1970.
    public static func rfc3339(_ sinceEpoch: Duration) -> String {
        let parts = sinceEpoch.components
        let seconds = max(0, parts.seconds)
        let (year, month, day) = Self.date(daysSinceEpoch: seconds / 86_400)
        let time = seconds % 86_400
        var text: [UInt8] = []
        text.reserveCapacity(24)
        let places: [(number: Int64, width: Int, next: Unicode.Scalar)] = [
            (year, 4, "-"), (month, 2, "-"), (day, 2, "T"), (time / 3_600, 2, ":"), (time / 60 % 60, 2, ":"), (time % 60, 2, "."),
            (parts.attoseconds / 1_000_000_000_000_000, 3, "Z"),
        ]
        for (number, width, next) in places {
            Self.append(number, width: width, to: &text)
            text.append(UInt8(ascii: next))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The time since 1970 that a `date-time` of RFC 3339 (§5.6) stands for; nil for anything else, and for times before 1970.
    ///
    /// Upper-case `T` and `Z`, at most nine digits of a fraction, `Z` or an offset. A leap second is refused: 1970-based time
    /// has no place for it.
    public static func parse(rfc3339 text: some StringProtocol) -> Duration? {
        let text = Array(text.utf8)
        guard text.count >= 20, text[4] == 0x2D, text[7] == 0x2D, text[10] == 0x54, text[13] == 0x3A, text[16] == 0x3A,
            let year = Self.number(text[0..<4]), let month = Self.number(text[5..<7]), let day = Self.number(text[8..<10]),
            let hour = Self.number(text[11..<13]), let minute = Self.number(text[14..<16]),
            let second = Self.number(text[17..<19]), (1...12).contains(month), hour < 24, minute < 60, second < 60
        else { return nil }
        let days = Self.daysSinceEpoch(year, month, day)
        // A day that its month does not have comes back as one of the next month.
        guard days >= 0, Self.date(daysSinceEpoch: days) == (year, month, day) else { return nil }
        var rest = text[19...]
        guard let nanoseconds = Self.takeFraction(&rest), let offset = Self.offset(rest) else { return nil }
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
        return seconds < 0 ? nil : .seconds(seconds) + .nanoseconds(nanoseconds)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }

    /// Nanoseconds of `.125`; 0 when there is none.
    private static func takeFraction(_ text: inout ArraySlice<UInt8>) -> Int64? {
        guard text.first == 0x2E else { return 0 }
        let digits = text.dropFirst().prefix { (0x30...0x39).contains($0) }
        guard (1...9).contains(digits.count), let value = Self.number(digits) else { return nil }
        text = text[digits.endIndex...]
        return (digits.count..<9).reduce(value) { value, _ in value * 10 }
    }

    /// Seconds by which `Z`, `+01:00` or `-08:00` is ahead of UTC.
    private static func offset(_ text: ArraySlice<UInt8>) -> Int64? {
        let text = Array(text)
        if text == [0x5A] { return 0 }
        guard text.count == 6, text[0] == 0x2B || text[0] == 0x2D, text[3] == 0x3A, let hours = Self.number(text[1..<3]),
            let minutes = Self.number(text[4..<6]), hours < 24, minutes < 60
        else { return nil }
        let seconds = hours * 3_600 + minutes * 60
        return text[0] == 0x2B ? seconds : -seconds
    }

    /// The inverse of ``date(daysSinceEpoch:)``.
    private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (year / 400, year % 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The proleptic Gregorian date of a day from 1970-01-01 (0) on; years are counted from March so that a leap day comes last.
    public static func date(daysSinceEpoch days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468  // Days from 0000-03-01 to 1970-01-01.
        let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)  // 400 years.
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    /// Appends decimal digits, with zeros in front up to `width`.
    private static func append(_ number: Int64, width: Int, to text: inout [UInt8]) {
        var place: Int64 = 1
        var digits = 1
        while digits < width || number / place >= 10 { (place, digits) = (place * 10, digits + 1) }
        while place > 0 {
            text.append(UInt8(0x30 + number / place % 10))
            place /= 10
        }
    }
}
