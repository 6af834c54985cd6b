// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension CalendarTime {
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

    /// Seconds since 1970 of `2026-03-01`, its beginning in UTC, or of an RFC 3339 time, whose fraction is cut; nil for anything
    /// else.
    public static func seconds(_ text: String) -> Int64? {
        self.parse(rfc3339: text.utf8.count == 10 ? text + "T00:00:00Z" : text)?.components.seconds
    }
}
