// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension LedgerSchema {
    /// Step n makes version n + 1 from version n. A released step is never changed.
    static let migrations = [version1, workers, notices, version4]

    /// Gateways that are there, until when by this server's clock.
    private static let workers = """
        CREATE TABLE workers (
            name text PRIMARY KEY,
            there_until timestamptz NOT NULL
        );
        """

    /// The columns of `payments` from `id` on are those of `PaymentRow`. Truth values are 0 and 1, digests bytes, and amounts of
    /// up to 256 bits decimal texts, as in every ledger.
    ///
    /// Indexes on what is open hold only that, so that they stay small however many payments there are.
    private static let version1 = """
        CREATE TABLE tollgate_ledger (version bigint NOT NULL);
        INSERT INTO tollgate_ledger VALUES (0);

        CREATE TABLE payments (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            event_count bigint NOT NULL,
            leased_until bigint NOT NULL,
            id bytea NOT NULL UNIQUE CHECK (length(id) = 32),
            phase text NOT NULL,
            network text NOT NULL,
            asset text NOT NULL,
            symbol text NOT NULL,
            decimals bigint NOT NULL,
            payer text NOT NULL,
            nonce text NOT NULL,
            scheme text NOT NULL,
            pay_to text NOT NULL,
            amount text NOT NULL,
            dialect text NOT NULL,
            policy text NOT NULL,
            route text NOT NULL,
            valid_before bigint NOT NULL,
            attempts bigint NOT NULL,
            transaction_hash text,
            signer text,
            signer_nonce bigint,
            block bigint,
            log_index bigint,
            failure_reason text,
            failure_detail text,
            has_answer bigint NOT NULL,
            is_served bigint NOT NULL,
            is_told bigint NOT NULL,
            is_owed bigint NOT NULL,
            claimed_at bigint NOT NULL,
            ended_at bigint,
            identifier_hash bytea,
            open_exposure bigint NOT NULL,
            open_debt text
        );
        CREATE INDEX payments_by_time ON payments (claimed_at, id);
        CREATE INDEX payments_by_work ON payments (phase, network, valid_before)
            WHERE phase NOT IN ('settled', 'failed', 'released');
        CREATE INDEX payments_by_phase ON payments (phase, claimed_at);
        CREATE INDEX payments_by_payer ON payments (payer, phase);
        CREATE INDEX payments_by_block ON payments (network, block) WHERE block IS NOT NULL;
        CREATE INDEX payments_by_end ON payments (network, valid_before);
        CREATE INDEX payments_by_identifier ON payments (identifier_hash) WHERE identifier_hash IS NOT NULL;
        CREATE INDEX payments_exposed ON payments (payer, open_exposure) WHERE open_exposure > 0;
        CREATE INDEX payments_owed ON payments (payer) WHERE is_owed = 1;

        CREATE TABLE events (
            payment bigint NOT NULL REFERENCES payments (number),
            sequence bigint NOT NULL,
            time bigint NOT NULL,
            kind text NOT NULL,
            detail text NOT NULL,
            raw bytea,
            PRIMARY KEY (payment, sequence)
        );
        CREATE FUNCTION tollgate_events_stand() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'events are never changed or deleted'; END
        $$;
        CREATE TRIGGER events_stand BEFORE UPDATE OR DELETE OR TRUNCATE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION tollgate_events_stand();

        -- ended_at is that of the payment: answers are forgotten in its order.
        CREATE TABLE answers (
            payment bigint PRIMARY KEY REFERENCES payments (number),
            ended_at bigint,
            head text NOT NULL,
            body bytea NOT NULL
        );
        CREATE INDEX answers_by_end ON answers (ended_at) WHERE ended_at IS NOT NULL;

        -- The transaction number that an account uses next.
        CREATE TABLE signers (
            network text NOT NULL,
            address text NOT NULL,
            next_number bigint NOT NULL,
            PRIMARY KEY (network, address)
        );

        CREATE TABLE marks (
            name text PRIMARY KEY,
            value bigint NOT NULL
        );
        """
}
