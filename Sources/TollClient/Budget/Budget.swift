// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// The most that may be spent in a day of UTC, over all processes that share a journal.
public struct Budget: Hashable, Sendable {
    /// To one origin.
    public var perOrigin: Dollars
    /// To all together.
    public var perDay: Dollars

    /// Limits; by default $5 an origin and $20 in all.
    public init(perOrigin: Dollars = Dollars(5), perDay: Dollars = Dollars(20)) {
        self.perOrigin = perOrigin
        self.perDay = perDay
    }

    /// Why `cost` more to `origin` would be too much; nil when there is room for it.
    public func objection(to cost: Dollars, at origin: Origin, spent: Spending) -> String? {
        if spent.atOrigin.adding(cost) > self.perOrigin {
            return "\(cost) more would exceed the \(self.perOrigin) a day for \(origin): \(spent.atOrigin) are spent or reserved"
        }
        if spent.inAll.adding(cost) > self.perDay {
            return "\(cost) more would exceed the \(self.perDay) a day: \(spent.inAll) are spent or reserved"
        }
        return nil
    }
}

/// What a day has cost so far, reservations included.
public struct Spending: Hashable, Sendable {
    /// To one origin.
    public var atOrigin: Dollars
    /// To all together.
    public var inAll: Dollars

    /// Spending by both its fields.
    public init(atOrigin: Dollars, inAll: Dollars) {
        self.atOrigin = atOrigin
        self.inAll = inAll
    }
}
