// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Counts requests of many clients, in memory of a fixed size. No clock: time is a parameter, in nanoseconds since 1970.
///
/// Of a client it is known when all that it may ask will be there again: each request moves that by one interval, and it may
/// never lie further off than all of them (the generic cell rate algorithm, ITU-T I.371 Annex A). Who asks steadily gets exactly
/// its rate; who has been quiet may ask all at once.
///
/// Each client has a place in one row of the table. When a row is full, a new one takes the place that would be free first, with
/// what stands there (after Metwally et al., "Efficient Computation of Frequent and Top-k Elements", 2005). So nobody is ever
/// counted as less than it has asked, however many addresses an attacker has: the table errs by refusing.
struct RateTable {
    /// A limit, and the client that it is for, as a number that nobody outside can foretell.
    struct Key {
        let limit: RateLimit
        let tag: UInt64

        fileprivate var interval: Int64 { Int64(self.limit.seconds) * 1_000_000_000 / Int64(self.limit.count) }
        fileprivate var whole: Int64 { self.interval * Int64(self.limit.count) }
        /// What replicas have admitted beyond the limit makes a client wait longer, and no more than this.
        fileprivate var most: Int64 { 2 * self.whole }
    }

    /// How a client stands to one limit.
    struct Standing: Equatable {
        /// Requests that are left.
        var remaining: Int
        /// Until the next request may come when none is left, else until all are there again; in seconds, rounded up.
        var resetSeconds: Int
        /// Whether this request was one too many.
        var isOver: Bool
    }

    private struct Place {
        var tag: UInt64 = 0
        /// When all is there again.
        var freeAt: Int64 = 0
        /// When replicas were asked last, in which of the windows that they count in, and what they had counted.
        var askedAt: Int64 = 0
        var window: Int64 = 0
        var counted: Int = 0
    }

    /// How many times the time of a limit replicas count in one window. At the end of a window it is forgotten what came since
    /// each was asked last.
    static let windowLimits = 4
    /// Clients in a row: so many places are looked at for each.
    private static let rowLength = 8

    /// Empty until a request is counted.
    private var places: [Place] = []
    private let rowCount: Int

    /// A table for so many clients and limits; 40 bytes for each, from the first request on.
    init(capacity: Int = 65_536) {
        self.rowCount = max(1, capacity / Self.rowLength)
    }

    /// Counts a request against every limit, or against none when it is over one.
    mutating func admit(_ keys: [Key], at time: Int64) -> [Standing] {
        var indices: [Int] = []
        for key in keys { indices.append(self.index(key, at: time, besides: indices)) }
        let standings = zip(keys, indices).map { Self.standing($0, self.places[$1].freeAt, at: time, asking: 1) }
        guard !standings.contains(where: \.isOver) else { return standings }
        for (key, index) in zip(keys, indices) { self.places[index].freeAt = max(self.places[index].freeAt, time) + key.interval }
        return zip(keys, indices).map { Self.standing($0, self.places[$1].freeAt, at: time, asking: 0) }
    }

    /// Takes up that replicas have counted `count` requests in the present window, this one, which was admitted here, among them.
    /// Those that are new came after they were asked last. It changes what is admitted next: to refuse what was counted already
    /// would take from a client what it may have.
    mutating func learn(_ count: Int, of key: Key, at time: Int64) -> Standing {
        let index = self.index(key, at: time, besides: [])
        let length = Int64(key.limit.seconds) * 1_000_000_000
        let window = time / (length * Int64(Self.windowLimits))
        var place = self.places[index]
        let others: Int
        if place.window == window {
            others = max(0, count - place.counted - 1)
        } else {
            // Nobody was asked yet in this window: what was counted in it is taken to have come evenly.
            let elapsed = max(length, time - window * length * Int64(Self.windowLimits))
            others = Int((Int64(max(0, count - 1)) * (length / 1_000_000) + elapsed / 1_000_000 - 1) / (elapsed / 1_000_000))
        }
        if others > 0 {
            let since = place.window == window ? place.askedAt : time - length
            let added = Int64(min(others, 2 * key.limit.count)) * key.interval
            place.freeAt = min(time + key.most, max(place.freeAt, since) + added)
        }
        (place.window, place.askedAt, place.counted) = (window, time, count)
        self.places[index] = place
        var standing = Self.standing(key, place.freeAt, at: time, asking: 0)
        standing.isOver = false
        return standing
    }

    /// The client's place; never one of `others`, which this request is counted in too.
    private mutating func index(_ key: Key, at time: Int64, besides others: [Int]) -> Int {
        if self.places.isEmpty { self.places = Array(repeating: Place(), count: self.rowCount * Self.rowLength) }
        let row = Int(key.tag % UInt64(self.rowCount)) * Self.rowLength
        var first: Int?
        for index in row..<(row + Self.rowLength) {
            if self.places[index].tag == key.tag {
                // It may lie further off only when the clock was set back, and then it would for as long as that.
                self.places[index].freeAt = min(self.places[index].freeAt, time + key.most)
                return index
            }
            guard !others.contains(index) else { continue }
            if first.map({ self.places[index].freeAt < self.places[$0].freeAt }) ?? true { first = index }
        }
        // A request is counted in fewer places than a row has.
        let victim = first ?? row
        let inherited = min(self.places[victim].freeAt, time + key.whole)
        self.places[victim] = Place(tag: key.tag, freeAt: inherited)
        return victim
    }

    private static func standing(_ key: Key, _ freeAt: Int64, at time: Int64, asking: Int64) -> Standing {
        let used = max(0, freeAt - time)
        let room = key.whole - used
        let isOver = asking * key.interval > room
        let remaining = max(0, room / key.interval)
        let wait = remaining > 0 ? used : key.interval - room
        return Standing(
            remaining: Int(remaining), resetSeconds: Int(max(1, (wait + 999_999_999) / 1_000_000_000)), isOver: isOver)
    }
}
