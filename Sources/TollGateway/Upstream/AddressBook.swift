// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Which of an upstream's addresses a request goes to: decides, and does nothing.
///
/// An address that fails several times in a row rests. After the rest one request tries it; when that fails too, it rests twice
/// as long. Time is a parameter.
struct AddressBook {
    private struct Entry {
        let address: Upstream.Address
        /// What it is owed of the requests: grows by its weight, falls when it is chosen.
        var credit = 0
        /// In a row.
        var failures = 0
        var rests = 0
        var restsUntil = Duration.zero
        /// Whether a request tries if it is back.
        var isTried = false
    }

    private var entries: [Entry]
    private let breaker: Upstream.Breaker

    init(_ addresses: [Upstream.Address], _ breaker: Upstream.Breaker) {
        self.entries = addresses.map { Entry(address: $0) }
        self.breaker = breaker
    }

    var count: Int { self.entries.count }

    /// The next address in turn that is fit and not among those tried already; nil when there is none.
    ///
    /// The turns are nginx's: smooth, so that a weight of 3 does not mean three in a row.
    mutating func choose(at now: Duration, except tried: [Int] = []) -> (place: Int, origin: Origin)? {
        var best: Int?
        var total = 0
        for place in self.entries.indices where !tried.contains(place) && self.isFit(place, at: now) {
            self.entries[place].credit += self.entries[place].address.weight
            total += self.entries[place].address.weight
            if best.map({ self.entries[$0].credit < self.entries[place].credit }) ?? true { best = place }
        }
        guard let best else { return nil }
        self.entries[best].credit -= total
        if self.entries[best].rests > 0 { self.entries[best].isTried = true }
        return (best, self.entries[best].address.origin)
    }

    private func isFit(_ place: Int, at now: Duration) -> Bool {
        self.entries[place].rests == 0 || (self.entries[place].restsUntil <= now && !self.entries[place].isTried)
    }

    /// Whether some address would be chosen.
    func isReachable(at now: Duration) -> Bool { self.entries.indices.contains { self.isFit($0, at: now) } }

    /// Whether each address is in use: it does not rest, nor is it only tried.
    var areInUse: [Bool] { self.entries.map { $0.rests == 0 } }

    /// How long until an address may be tried again, when none may now.
    func restsFor(at now: Duration) -> Duration {
        self.entries.map { max(.zero, $0.restsUntil - now) }.min() ?? .zero
    }

    /// It answered. True when it had rested.
    mutating func succeeded(_ place: Int) -> Bool {
        defer {
            self.entries[place].failures = 0
            self.entries[place].rests = 0
            self.entries[place].isTried = false
        }
        return self.entries[place].rests > 0
    }

    /// It did not. How long it rests, when it goes to rest by this.
    ///
    /// - Parameter asked: How often it is asked whether it is well, when that was such a question: one wrong answer is
    ///   enough, and holds until a later one is right.
    mutating func failed(_ place: Int, at now: Duration, asked interval: Duration? = nil) -> Duration? {
        self.entries[place].failures += 1
        if let interval {
            defer { self.entries[place].restsUntil = now + interval * 2 }
            self.entries[place].rests += 1
            return self.entries[place].rests == 1 ? interval * 2 : nil
        }
        let wasTried = self.entries[place].isTried
        // What was sent before it went to rest, and fails after, tells nothing new.
        guard wasTried || (self.entries[place].rests == 0 && self.entries[place].failures >= self.breaker.failureCount) else {
            return nil
        }
        self.entries[place].isTried = false
        let rest = min(self.breaker.restMax, self.breaker.restMin * (1 << min(self.entries[place].rests, 16)))
        self.entries[place].rests += 1
        self.entries[place].restsUntil = now + rest
        return rest
    }

    /// The request ended in a way that says nothing about the address: another may try.
    mutating func abandoned(_ place: Int) { self.entries[place].isTried = false }
}
