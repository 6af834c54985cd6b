// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension LedgerSchema {
    /// Phases in which a settlement is still to be done or found, as an index condition: a query that is to use one of these
    /// indexes says the condition in the same words.
    static let isOpen = "phase IN ('claimed', 'queued', 'signed', 'broadcast', 'unknown')"
    /// Phases in which nothing is to be done.
    static let isEnded = "phase IN ('settled', 'failed', 'released')"
    /// Phases in which the money did not move, unless somebody else has moved it.
    static let isDropped = "phase IN ('failed', 'released')"
    /// What was served and will not be paid.
    static let isUnpaid = "phase = 'failed' AND is_served = 1"

    /// Deferred settlement, debts, signers' numbers and marks. A claim writes to four trees and no more: the row, its name, its
    /// time, and the open payments; the last three at their ends or in few pages.
    ///
    /// Rows say what their events fold to now: an owed payment is a debt of its amount, and a new claim forgets why an earlier
    /// one was released.
    static let version2 = """
        ALTER TABLE payments ADD COLUMN identifier_hash BLOB;
        ALTER TABLE payments ADD COLUMN open_exposure INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE payments ADD COLUMN open_debt TEXT;
        UPDATE payments SET open_debt = amount WHERE is_owed = 1 AND amount <> '0';
        UPDATE payments SET failure_reason = NULL, failure_detail = NULL
            WHERE attempts > 1 AND phase IN ('claimed', 'signed', 'broadcast') AND failure_reason = 'upstream_failed';

        DROP INDEX payments_by_phase;
        DROP INDEX payments_by_transaction;
        CREATE INDEX payments_open ON payments (network, phase, valid_before) WHERE \(isOpen);
        CREATE INDEX payments_dropped ON payments (network, valid_before) WHERE \(isDropped);
        CREATE INDEX payments_of_payer ON payments (payer, phase) WHERE \(isEnded);
        CREATE INDEX payments_unpaid ON payments (payer) WHERE \(isUnpaid);
        CREATE INDEX payments_owed ON payments (claimed_at) WHERE is_owed = 1;
        CREATE INDEX payments_credit ON payments (payer, claimed_at) WHERE open_debt IS NOT NULL;
        CREATE INDEX payments_by_block ON payments (network, block) WHERE block IS NOT NULL;
        CREATE INDEX payments_by_identifier ON payments (identifier_hash) WHERE identifier_hash IS NOT NULL;

        -- The next transaction number of each account that signs.
        CREATE TABLE signers (
            network TEXT NOT NULL,
            address TEXT NOT NULL,
            next_number INTEGER NOT NULL CHECK (next_number > 0),
            PRIMARY KEY (network, address)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO signers (network, address, next_number)
            SELECT network, signer, max(signer_nonce) + 1 FROM payments WHERE signer IS NOT NULL GROUP BY network, signer;

        -- How far some work has come, by its name.
        CREATE TABLE marks (
            name TEXT NOT NULL PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
