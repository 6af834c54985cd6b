// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollPayments

/// Counts requests, here and where replicas share a cache.
final class RateGate: Sendable {
    private let table = Mutex(RateTable())
    private let shared: (any SharedCache)?
    private let now: @Sendable () -> Duration

    /// - Parameters:
    ///   - shared: What replicas count in together; nil where each counts for itself.
    ///   - now: The time since 1970.
    init(shared: (any SharedCache)?, now: @escaping @Sendable () -> Duration) {
        self.shared = shared
        self.now = now
    }

    /// Whether replicas count together, so that a request is admitted only after they were asked.
    var isShared: Bool { self.shared != nil }

    /// Counts a request of `client` as far as this process knows.
    func admitHere(_ rules: [RateRule], _ client: String) -> RateVerdict {
        let keys = rules.map { self.key($0, client) }
        let standings = self.table.withLock { $0.admit(keys, at: self.time) }
        return RateVerdict(rules: rules, standings: standings)
    }

    /// Counts a request of `client` among those of all replicas. What is over a limit here is not counted there: whoever is
    /// refused again and again does not make its waiting longer.
    func admit(_ rules: [RateRule], _ client: String) async -> RateVerdict {
        var verdict = self.admitHere(rules, client)
        guard let shared, verdict.isAdmitted else { return verdict }
        for (index, rule) in rules.enumerated() {
            let window = rule.limit.seconds * RateTable.windowLimits
            let count = await shared.count("rate/\(rule.scope)/\(rule.name)/\(client)", window: window)
            let key = self.key(rule, client)
            verdict.standings[index] = self.table.withLock { $0.learn(count, of: key, at: self.time) }
        }
        return verdict
    }

    private var time: Int64 {
        let now = self.now().components
        return now.seconds * 1_000_000_000 + now.attoseconds / 1_000_000_000
    }

    /// Swift's hash has a secret of its own in every process, so that nobody can choose addresses to share another's place.
    private func key(_ rule: RateRule, _ client: String) -> RateTable.Key {
        var hasher = Hasher()
        hasher.combine(rule.scope)
        hasher.combine(rule.name)
        hasher.combine(client)
        return RateTable.Key(limit: rule.limit, tag: UInt64(bitPattern: Int64(hasher.finalize())))
    }
}

/// How a request stands to the limits it is counted against.
struct RateVerdict: Sendable {
    var rules: [RateRule]
    var standings: [RateTable.Standing]

    static let unlimited = RateVerdict(rules: [], standings: [])

    var isUnlimited: Bool { self.standings.isEmpty }

    var isAdmitted: Bool { !self.standings.contains(where: \.isOver) }

    /// Seconds until it is worth asking again.
    var retryAfterSeconds: Int { self.standings.filter(\.isOver).map(\.resetSeconds).max() ?? 1 }

    /// Both verdicts.
    func joined(_ other: RateVerdict) -> RateVerdict {
        RateVerdict(rules: self.rules + other.rules, standings: self.standings + other.standings)
    }

    /// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), every limit by its name. And for clients
    /// that know only the names of earlier versions, `RateLimit-Limit`, `-Remaining` and `-Reset` of the limit that is nearest.
    var fields: [(name: String, value: String)] {
        let pairs = zip(self.rules, self.standings)
        guard let nearest = pairs.min(by: { Self.isNearer($0.1, $1.1) }) else { return [] }
        return [
            (
                "RateLimit-Policy",
                self.rules.map { "\"\($0.name)\";q=\($0.limit.count);w=\($0.limit.seconds)" }.joined(separator: ", ")
            ),
            ("RateLimit", pairs.map { "\"\($0.name)\";r=\($1.remaining);t=\($1.resetSeconds)" }.joined(separator: ", ")),
            ("RateLimit-Limit", String(nearest.0.limit.count)),
            ("RateLimit-Remaining", String(nearest.1.remaining)),
            ("RateLimit-Reset", String(nearest.1.resetSeconds)),
        ]
    }

    static let fieldNames = ["ratelimit-policy", "ratelimit", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]

    private static func isNearer(_ one: RateTable.Standing, _ other: RateTable.Standing) -> Bool {
        if one.isOver != other.isOver { return one.isOver }
        if one.remaining != other.remaining { return one.remaining < other.remaining }
        return one.resetSeconds > other.resetSeconds
    }
}

/// How often a payer may ask.
struct PayerLimits: Sendable {
    var gate: RateGate?
    var rules: [RateRule] = []

    static let none = PayerLimits()

    func admit(_ payer: String) async -> RateVerdict {
        guard let gate, !self.rules.isEmpty else { return .unlimited }
        return await gate.admit(self.rules, payer.lowercased())
    }
}
