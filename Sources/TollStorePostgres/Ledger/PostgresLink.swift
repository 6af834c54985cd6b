// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments

/// How a ledger's sessions reach its server, and whether it can be reached at all.
///
/// Once one session has found the server gone, the others do not wait to find out for themselves: for a moment that doubles with
/// each failure every call is refused at once, then one call tries again, and when it succeeds all go on.
final class PostgresLink: Sendable {
    /// How long nobody tries after a first failure.
    private static let pauseMin = Duration.milliseconds(100)
    /// The longest that nobody tries: a server that is back is found within this.
    private static let pauseMax = Duration.seconds(2)

    private struct State {
        /// Why the server is taken to be gone; nil while it is not.
        var outage: StoreError?
        var pause = PostgresLink.pauseMin
        var triedAgainAt = ContinuousClock.now
        var isTrying = false
        /// Where the ledger is, for people, once it is known.
        var place = "PostgreSQL"
    }

    private let url: String
    private let access: LedgerSchema.Access
    private let statementTime: Duration
    private let state = Mutex(State())

    /// A link to what a `postgres://` URL says. Does not connect yet.
    init(url: String, access: LedgerSchema.Access, statementTime: Duration = PostgresConnection.statementTime) {
        self.url = url
        self.access = access
        self.statementTime = statementTime
    }

    /// Throws when the server was found gone a moment ago, or somebody is finding out.
    func check() throws(StoreError) {
        try self.state.withLock { state throws(StoreError) in
            guard let outage = state.outage, state.isTrying || ContinuousClock.now < state.triedAgainAt else { return }
            throw outage
        }
    }

    /// A new connection to a ledger that may be read and, where that is asked for, written.
    func connect() throws(StoreError) -> PostgresConnection {
        try self.check()
        self.state.withLock { $0.isTrying = true }
        do throws(StoreError) {
            let connection = try self.open()
            try LedgerSchema.check(connection, self.access, self.place)
            self.state.withLock { state in (state.outage, state.pause, state.isTrying) = (nil, Self.pauseMin, false) }
            return connection
        } catch {
            self.state.withLock { state in
                if state.outage != nil { state.pause = min(state.pause * 2, Self.pauseMax) }
                (state.outage, state.isTrying) = (error, false)
                state.triedAgainAt = ContinuousClock.now + state.pause
            }
            throw error
        }
    }

    /// A new connection to a server that a ledger may be in, whatever it holds now.
    func open() throws(StoreError) -> PostgresConnection {
        do throws(PostgresError) {
            let connection = try PostgresConnection(url: self.url, statementTime: self.statementTime)
            self.state.withLock { $0.place = connection.place }
            try LedgerSchema.configure(connection)
            return connection
        } catch {
            throw self.unavailable(error)
        }
    }

    /// What a statement's failure means to whoever reads the log. A server that has not answered in time is not asked again by
    /// everyone at once.
    func unavailable(_ error: PostgresError) -> StoreError {
        let reason = StoreError.unavailable("the ledger in \(self.place) did not answer: \(error)")
        guard error.kind == .timedOut else { return reason }
        self.state.withLock { state in (state.outage, state.triedAgainAt) = (reason, ContinuousClock.now + state.pause) }
        return reason
    }

    /// Where the ledger is, for people.
    var place: String { self.state.withLock { $0.place } }
}
