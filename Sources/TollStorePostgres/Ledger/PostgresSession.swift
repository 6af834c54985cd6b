// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// One session with the ledger's server, connected when it is needed: a connection that was lost is replaced by the next
/// transaction. Used by one thread at a time.
final class PostgresSession {
    /// What a transaction may do.
    enum Mode: String {
        /// Reads, all in one snapshot.
        case reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        /// Writes; each statement sees what was committed before it, and row locks keep what it saw.
        case writing = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    }

    /// How often a transaction that met another's is tried. Locks are taken in one order, so that hardly any does.
    private static let attemptsMax = 4

    private let link: PostgresLink
    private var connection: PostgresConnection?
    /// Whether the transaction under way met another's and was undone.
    private var hasConflict = false

    /// A session over `link`. Does not connect yet.
    init(_ link: PostgresLink) {
        self.link = link
    }

    /// Whether a transaction is open. A lost connection ends one without being asked.
    var isInTransaction: Bool { self.connection?.isInTransaction ?? false }

    /// Runs `body` in a transaction and returns when what it wrote is durable; again when it met another's.
    func transaction<Value>(_ mode: Mode, _ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        var attempts = 1
        while true {
            do throws(StoreError) {
                try self.begin(mode)
                let value = try body()
                try self.commit()
                return value
            } catch {
                self.rollBack()
                guard self.hasConflict, attempts < Self.attemptsMax else { throw error }
                attempts += 1
            }
        }
    }

    /// Connects now, not when it is needed.
    func connect() throws(StoreError) { self.connection = try self.link.connect() }

    /// Opens a transaction. A connection that turns out to be lost is replaced: nothing was asked of it yet.
    func begin(_ mode: Mode) throws(StoreError) {
        self.hasConflict = false
        try self.link.check()
        if self.connection?.isLost == false {
            do throws(StoreError) {
                try self.run(mode.rawValue)
                return
            } catch {
                self.connection = nil
                try self.link.check()
            }
        }
        try self.connect()
        try self.run(mode.rawValue)
    }

    /// Ends the transaction and returns when all of it is durable. Throws when nothing of it was, or when it is not known.
    func commit() throws(StoreError) {
        let command: String
        do throws(StoreError) { command = try self.run("COMMIT").command } catch {
            guard self.connection?.isLost == true else { throw error }
            throw .unavailable("\(error.reason); whether the write happened is not known")
        }
        guard command == "COMMIT" else { throw .unavailable("the ledger undid a transaction: \(command)") }
    }

    /// Ends the transaction, if one is open, and undoes all of it.
    func rollBack() {
        guard self.isInTransaction else { return }
        do throws(StoreError) { try self.run("ROLLBACK") } catch { self.connection = nil }
    }

    /// Says that another's write came between, after which the transaction is to be undone and tried again.
    func conflict(_ what: String) -> StoreError {
        self.hasConflict = true
        return .unavailable("the ledger could not decide: \(what)")
    }

    /// Runs a statement in the open transaction.
    @discardableResult
    func run(_ sql: String, _ values: [PostgresParameter] = []) throws(StoreError) -> PostgresResult {
        guard let connection = self.connection, !connection.isLost else { throw .unavailable("the ledger's connection was lost") }
        do throws(PostgresError) { return try connection.run(sql, values) } catch {
            if error.isConflict { self.hasConflict = true }
            throw self.link.unavailable(error)
        }
    }
}
