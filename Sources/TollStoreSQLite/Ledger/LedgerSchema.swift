// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// The shape of the ledger file, and how an older shape becomes the newest.
enum LedgerSchema {
    /// `Toll` in ASCII, in the file's header: what tells a ledger from another SQLite database.
    static let applicationID: Int64 = 0x546F_6C6C

    /// Step n makes version n + 1 from version n (`PRAGMA user_version`). A released step is never changed.
    static let migrations = [version1, version2, version3, version4]

    /// Refuses a file that is not ours or newer than this program. Changes nothing in it.
    static func refuseForeign(_ connection: SQLiteConnection, path: String) throws(StoreError) {
        let application = try connection.integer("PRAGMA application_id")
        let version = try connection.integer("PRAGMA user_version")
        if application != self.applicationID {
            let isEmpty = try connection.integer("SELECT count(*) FROM sqlite_schema") == 0
            guard application == 0, version == 0, isEmpty else {
                throw .unavailable("\(path) is a SQLite database of another program, not a Tollgate ledger")
            }
        }
        guard version <= self.migrations.count else {
            throw .unavailable(
                "the ledger \(path) has schema \(version), of a newer Tollgate; this one knows up to \(self.migrations.count)"
            )
        }
    }

    /// Refuses a ledger that is not ours, or of another version than this program's. Changes nothing in it: whoever has the
    /// ledger's lock does.
    static func refuseOthers(_ connection: SQLiteConnection, path: String) throws(StoreError) {
        try self.refuseForeign(connection, path: path)
        let version = try connection.integer("PRAGMA user_version")
        guard version == self.migrations.count else {
            throw .unavailable(
                "the ledger \(path) has schema \(version), of an older Tollgate, and this one reads \(self.migrations.count); "
                    + "start `tollgate serve` with it once, which changes it")
        }
    }

    /// Takes the missing steps, each in a transaction of its own.
    static func migrate(_ connection: SQLiteConnection) throws(StoreError) {
        let version = Int(try connection.integer("PRAGMA user_version"))
        for (step, migration) in self.migrations.enumerated() where step >= version {
            try connection.script(
                """
                BEGIN IMMEDIATE;
                \(migration)
                PRAGMA application_id = \(self.applicationID);
                PRAGMA user_version = \(step + 1);
                COMMIT;
                """
            )
        }
    }

    /// Events and answers refer to a payment by its number, not its hash: rows are then added at the end of their trees, and
    /// writing costs the same however many payments there are. Only the unique index on `id` is written at random places.
    private static let version1 = """
        CREATE TABLE payments (
            number INTEGER PRIMARY KEY,
            id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
            phase TEXT NOT NULL,
            network TEXT NOT NULL,
            asset TEXT NOT NULL,
            symbol TEXT NOT NULL,
            decimals INTEGER NOT NULL,
            payer TEXT NOT NULL,
            nonce TEXT NOT NULL,
            scheme TEXT NOT NULL,
            pay_to TEXT NOT NULL,
            amount TEXT NOT NULL,
            dialect TEXT NOT NULL,
            policy TEXT NOT NULL,
            route TEXT NOT NULL,
            valid_before INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            transaction_hash TEXT,
            signer TEXT,
            signer_nonce INTEGER,
            block INTEGER,
            log_index INTEGER,
            failure_reason TEXT,
            failure_detail TEXT,
            has_answer INTEGER NOT NULL,
            is_served INTEGER NOT NULL,
            is_told INTEGER NOT NULL,
            is_owed INTEGER NOT NULL,
            claimed_at INTEGER NOT NULL,
            ended_at INTEGER
        ) STRICT;
        CREATE INDEX payments_by_phase ON payments (phase, claimed_at);
        CREATE INDEX payments_by_time ON payments (claimed_at);
        CREATE INDEX payments_by_transaction ON payments (transaction_hash) WHERE transaction_hash IS NOT NULL;

        CREATE TABLE events (
            number INTEGER PRIMARY KEY,
            payment INTEGER NOT NULL REFERENCES payments (number),
            sequence INTEGER NOT NULL,
            time INTEGER NOT NULL,
            kind TEXT NOT NULL,
            detail TEXT NOT NULL,
            raw BLOB,
            UNIQUE (payment, sequence)
        ) STRICT;
        CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
        CREATE TRIGGER events_stand BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;

        CREATE TABLE answers (
            payment INTEGER PRIMARY KEY REFERENCES payments (number),
            head TEXT NOT NULL,
            body BLOB NOT NULL
        ) STRICT;

        -- Answers whose payment has ended, in the order in which they are pruned.
        CREATE TABLE ended_answers (
            ended_at INTEGER NOT NULL,
            payment INTEGER NOT NULL REFERENCES answers (payment),
            PRIMARY KEY (ended_at, payment)
        ) STRICT, WITHOUT ROWID;
        """
}
