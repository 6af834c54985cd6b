// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// The shape of the ledger in a PostgreSQL schema, and how an older shape becomes the newest.
///
/// The ledger has its schema for itself: the first of the connection's `search_path`, which is `public` unless somebody says
/// otherwise.
enum LedgerSchema {
    /// What is asked of a ledger.
    enum Access {
        /// To look at it.
        case reading
        /// To write it, beside others.
        case writing
        /// To write it, and keep out all others who write.
        case alone
    }

    /// The oldest server that has what is used here: `client_connection_check_interval`.
    private static let serverVersionMin = 140_000
    /// How long a migration may take, and wait for that of another gateway.
    private static let migrationTime = Duration.seconds(60)
    /// The advisory lock of whoever migrates: `Toll` in ASCII.
    private static let migrationLock = 0x546F_6C6C
    /// The advisory lock that every session that writes holds together with others, and one that writes alone by itself: `Rule`
    /// in ASCII. The server lets go of it when the session ends, however it ends.
    private static let writersLock = "\(0x5275_6C65), hashtext(current_schema())"

    /// Settings of every session.
    private static let settings = """
        SET idle_in_transaction_session_timeout = '10s'; -- A gateway that froze does not hold the locks of others.
        SET client_connection_check_interval = '1s'; -- Nor does one that is gone.
        SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
        """

    /// Makes a connection fit for a ledger.
    static func configure(_ connection: PostgresConnection) throws(PostgresError) {
        guard connection.serverVersion >= self.serverVersionMin else {
            throw PostgresError(kind: .lost, message: "the server is older than PostgreSQL 14")
        }
        // A statement that waits for others nearly as long as it may gets an error, and not silence.
        let lockMilliseconds = connection.statementTime.components.seconds * 800
        try connection.script("SET lock_timeout = \(lockMilliseconds);\n\(self.settings)", within: connection.statementTime)
    }

    /// Refuses what is no ledger, is of a newer program, or cannot do what is asked of it. Changes nothing.
    static func check(_ connection: PostgresConnection, _ access: Access, _ place: String) throws(StoreError) {
        let schema = try Schema(connection, place)
        guard schema.version > 0 else { throw .unavailable("\(place) holds no ledger") }
        guard schema.version == self.migrations.count else {
            throw .unavailable(
                "\(place) holds a ledger of an older Tollgate; start `tollgate serve` on it once, which changes it")
        }
        guard access != .reading else { return }
        try self.checkWriting(schema, connection, place)
        try self.join(connection, access, place)
    }

    /// Takes this session's part of the right to write, until it ends.
    private static func join(_ connection: PostgresConnection, _ access: Access, _ place: String) throws(StoreError) {
        guard access == .alone else {
            let joined = try self.query(connection, place, "SELECT pg_try_advisory_lock_shared(\(self.writersLock))::int::bigint")
                .first {
                    row throws(StoreError) in try row.integer(0)
                }
            guard joined == 1 else {
                throw .unavailable("\(place) is being rebuilt: `tollgate ledger rebuild` keeps gateways out until it is done")
            }
            return
        }
        // Waits for as long as a statement may: a gateway that has just stopped may still be leaving.
        do throws(PostgresError) { try connection.run("SELECT pg_advisory_lock(\(self.writersLock))") } catch {
            guard error.kind != .lost else { throw .unavailable("\(place) did not answer: \(error)") }
            throw .unavailable("\(place) is in use: stop every gateway and facilitator that has it as its ledger first")
        }
    }

    /// Refuses what a gateway could not make or use a ledger in. Changes nothing: an empty schema is fine.
    static func checkPlace(_ connection: PostgresConnection, _ place: String) throws(StoreError) {
        let schema = try Schema(connection, place)
        try self.checkWriting(schema, connection, place)
    }

    private static func checkWriting(
        _ schema: Schema, _ connection: PostgresConnection, _ place: String
    ) throws(StoreError) {
        guard !schema.isReadOnly else {
            throw .unavailable("\(place) is read-only: a standby, or default_transaction_read_only is set")
        }
        guard schema.isDurable else {
            throw .unavailable("\(place) runs with fsync = off: a claim could be lost after it was answered; set it to on")
        }
        if schema.version == self.migrations.count { try self.checkRights(connection, place) }
    }

    /// Takes the missing steps, all in one transaction; another gateway that starts meanwhile waits.
    static func migrate(_ connection: PostgresConnection, _ place: String) throws(StoreError) {
        guard try Schema(connection, place).version < self.migrations.count else { return }
        do throws(PostgresError) {
            try connection.script("BEGIN; SELECT pg_advisory_xact_lock(\(self.migrationLock));", within: self.migrationTime)
        } catch {
            throw .unavailable("\(place) cannot be made a ledger: \(error)")
        }
        let version = try Schema(connection, place).version
        let steps = self.migrations.dropFirst(version).joined(separator: "\n")
        do throws(PostgresError) {
            try connection.script(
                "\(steps)\nUPDATE tollgate_ledger SET version = \(self.migrations.count);\nCOMMIT;", within: self.migrationTime)
        } catch {
            throw .unavailable("\(place) cannot be made a ledger of schema \(self.migrations.count): \(error)")
        }
    }

    private static func checkRights(_ connection: PostgresConnection, _ place: String) throws(StoreError) {
        let missing = try self.query(
            connection, place,
            """
            SELECT string_agg(need || ' on ' || name, ', ')
            FROM unnest(
                ARRAY['payments', 'events', 'answers', 'signers', 'marks', 'workers', 'webhooks', 'notices',
                    'secrets', 'payment_references', 'address_series'],
                ARRAY['SELECT,INSERT,UPDATE', 'SELECT,INSERT', 'SELECT,INSERT,UPDATE,DELETE', 'SELECT,INSERT,UPDATE',
                    'SELECT,INSERT,UPDATE', 'SELECT,INSERT,UPDATE,DELETE', 'SELECT,INSERT,UPDATE,DELETE',
                    'SELECT,INSERT,UPDATE,DELETE', 'SELECT,INSERT', 'SELECT,INSERT,UPDATE,DELETE',
                    'SELECT,INSERT,UPDATE']) AS needs (name, list), unnest(string_to_array(list, ',')) AS need
            WHERE NOT has_table_privilege(quote_ident(current_schema()) || '.' || name, need)
            """
        ).first { row throws(StoreError) in try row.textIfAny(0) }
        guard let found = missing, let list = found else { return }
        throw .unavailable("\(place) may not do what a ledger needs: GRANT \(list)")
    }

    private static func query(
        _ connection: PostgresConnection, _ place: String, _ sql: String
    ) throws(StoreError) -> PostgresResult {
        do throws(PostgresError) { return try connection.run(sql) } catch {
            throw .unavailable("\(place) did not answer: \(error)")
        }
    }

    /// What stands in the connection's schema.
    private struct Schema {
        /// The ledger's version; 0 when nothing is there.
        let version: Int
        let isReadOnly: Bool
        let isDurable: Bool

        /// Refuses a schema that is another program's or of a newer Tollgate.
        init(_ connection: PostgresConnection, _ place: String) throws(StoreError) {
            let found = try LedgerSchema.query(
                connection, place,
                """
                SELECT current_schema()::text, current_setting('transaction_read_only'), current_setting('fsync'),
                    (SELECT count(*) FROM pg_class
                        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v')),
                    (SELECT count(*) FROM pg_class
                        WHERE relnamespace = current_schema()::regnamespace AND relname = 'tollgate_ledger')
                """
            ).first { row throws(StoreError) in
                (
                    schema: try row.textIfAny(0), isReadOnly: try row.text(1) == "on", isDurable: try row.text(2) == "on",
                    tables: try row.integer(3), hasLedger: try row.integer(4) > 0
                )
            }
            guard let found, let schema = found.schema else {
                throw .unavailable("\(place) has no schema in its search_path that exists and may be used")
            }
            (self.isReadOnly, self.isDurable) = (found.isReadOnly, found.isDurable)
            guard found.hasLedger else {
                guard found.tables == 0 else {
                    throw .unavailable(
                        "schema \(schema) of \(place) holds tables of another program, not a Tollgate ledger; "
                            + "use a database or a schema of its own")
                }
                self.version = 0
                return
            }
            let version = try LedgerSchema.query(connection, place, "SELECT version FROM tollgate_ledger").first {
                row throws(StoreError) in try row.integer(0)
            }
            self.version = Int(version ?? 0)
            guard self.version <= LedgerSchema.migrations.count else {
                throw .unavailable(
                    "the ledger in \(place) has schema \(self.version), of a newer Tollgate; "
                        + "this one knows up to \(LedgerSchema.migrations.count)")
            }
        }
    }
}
