// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension LedgerSchema {
    static let version4 = [secrets, deposits, references].joined(separator: "\n")

    /// What all who serve from the ledger share, by name.
    private static let secrets = """
        CREATE TABLE secrets (
            name TEXT NOT NULL PRIMARY KEY,
            value BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    /// Money that arrived by itself: the digest of the reference it was sent for. That it is owed from its start is told nobody.
    private static let deposits = """
        ALTER TABLE payments ADD COLUMN deposited_for BLOB;
        CREATE INDEX payments_deposited ON payments (deposited_for) WHERE deposited_for IS NOT NULL;

        DROP TRIGGER events_noticed;
        CREATE TRIGGER events_noticed AFTER INSERT ON events WHEN NEW.kind IN ('settled', 'failed', 'owed') BEGIN
            INSERT INTO notices (endpoint, name, kind, time, payment, sequence, attempts, due_at)
            SELECT webhooks.name, 'msg_' || lower(hex(payments.id)) || '_' || NEW.sequence, NEW.kind, NEW.time, payments.id,
                NEW.sequence, 0, NEW.time
            FROM webhooks, payments
            WHERE payments.number = NEW.payment AND (NEW.kind <> 'owed' OR payments.deposited_for IS NULL);
        END;
        """

    /// The columns of `payment_references` are those of `ReferenceRow`.
    private static let references = """
        CREATE TABLE payment_references (
            number INTEGER PRIMARY KEY,
            hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
            kind TEXT NOT NULL,
            network TEXT NOT NULL,
            recipient TEXT NOT NULL,
            asset TEXT NOT NULL,
            amount BLOB NOT NULL CHECK (length(amount) = 32),
            expires INTEGER NOT NULL,
            is_paid INTEGER NOT NULL,
            detail TEXT NOT NULL
        ) STRICT;
        CREATE INDEX references_by_end ON payment_references (is_paid, expires);
        CREATE INDEX references_by_amount ON payment_references (network, recipient, asset, amount, kind, expires)
            WHERE kind <> 'address';
        CREATE INDEX references_by_address ON payment_references (network, recipient, expires) WHERE kind = 'address';
        CREATE INDEX references_bound ON payment_references (network, expires, recipient, kind)
            WHERE kind <> 'signature';

        -- The next number of each series of addresses.
        CREATE TABLE address_series (
            name TEXT NOT NULL PRIMARY KEY,
            next_index INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
