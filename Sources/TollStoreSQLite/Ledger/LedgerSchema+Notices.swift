// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension LedgerSchema {
    /// Notices are written by a trigger: in the transaction of the event, whoever writes it. Without endpoints it writes nothing.
    static let version3 = """
        CREATE TABLE webhooks (
            name TEXT NOT NULL PRIMARY KEY,
            seen_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- due_at is NULL when the notice has ended.
        CREATE TABLE notices (
            number INTEGER PRIMARY KEY,
            endpoint TEXT NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            time INTEGER NOT NULL,
            payment BLOB,
            sequence INTEGER,
            detail TEXT,
            attempts INTEGER NOT NULL,
            due_at INTEGER,
            ended_at INTEGER,
            UNIQUE (endpoint, name)
        ) STRICT;
        CREATE INDEX notices_due ON notices (endpoint, due_at) WHERE due_at IS NOT NULL;
        CREATE INDEX notices_ended ON notices (ended_at) WHERE ended_at IS NOT NULL;

        CREATE TRIGGER events_noticed AFTER INSERT ON events WHEN NEW.kind IN ('settled', 'failed', 'owed') BEGIN
            INSERT INTO notices (endpoint, name, kind, time, payment, sequence, attempts, due_at)
            SELECT webhooks.name, 'msg_' || lower(hex(payments.id)) || '_' || NEW.sequence, NEW.kind, NEW.time, payments.id,
                NEW.sequence, 0, NEW.time
            FROM webhooks, payments WHERE payments.number = NEW.payment;
        END;
        """
}
