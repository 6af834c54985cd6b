// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// How many references may be made: each is a row in the ledger, so that whoever only asks for prices must not fill it.
///
/// Two leaky buckets, one for each client and one for all (GCRA): a burst, and then so many a second.
struct ReferenceQuota {
    /// A rate: so many at once, and then one every so often.
    struct Rate {
        let burst: Int64
        let interval: Duration
    }

    static let ofClient = Rate(burst: 60, interval: .seconds(1))
    static let ofAll = Rate(burst: 2_000, interval: .milliseconds(5))
    /// Each takes a number of a series for good, and a key has to be derived.
    static let ofAddresses = Rate(burst: 500, interval: .milliseconds(50))
    /// Clients remembered at most. Beyond it those are forgotten that have their whole burst again.
    static let clientCountMax = 10_000

    private var clients: [String: Duration] = [:]
    private var all = Duration.zero
    private var addresses = Duration.zero

    /// Counts one for `client` at `time`; false when it is one too many.
    mutating func admit(_ client: String, takesAddress: Bool, at time: Duration) -> Bool {
        if self.clients.count >= Self.clientCountMax, self.clients[client] == nil {
            self.clients = self.clients.filter { $0.value > time }
            guard self.clients.count < Self.clientCountMax else { return false }
        }
        guard let own = Self.next(self.clients[client] ?? .zero, Self.ofClient, at: time),
            let shared = Self.next(self.all, Self.ofAll, at: time)
        else { return false }
        if takesAddress {
            guard let derived = Self.next(self.addresses, Self.ofAddresses, at: time) else { return false }
            self.addresses = derived
        }
        (self.clients[client], self.all) = (own, shared)
        return true
    }

    /// When the bucket is empty again after one more; nil when that does not fit.
    private static func next(_ empty: Duration, _ rate: Rate, at time: Duration) -> Duration? {
        let next = max(empty, time) + rate.interval
        return next - time <= rate.interval * rate.burst ? next : nil
    }
}
