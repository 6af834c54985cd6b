// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension LedgerSchema {
    /// Notices are written by a trigger: in the transaction of the event, whoever writes it. Without endpoints it writes nothing.
    static let notices = """
        CREATE TABLE webhooks (
            name text PRIMARY KEY,
            seen_at bigint NOT NULL
        );

        -- due_at is NULL when the notice has ended.
        CREATE TABLE notices (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            endpoint text NOT NULL,
            name text NOT NULL,
            kind text NOT NULL,
            time bigint NOT NULL,
            payment bytea,
            sequence bigint,
            detail text,
            attempts bigint NOT NULL,
            due_at bigint,
            ended_at bigint,
            UNIQUE (endpoint, name)
        );
        CREATE INDEX notices_due ON notices (endpoint, due_at) WHERE due_at IS NOT NULL;
        CREATE INDEX notices_ended ON notices (ended_at) WHERE ended_at IS NOT NULL;

        CREATE FUNCTION tollgate_events_noticed() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO notices (endpoint, name, kind, time, payment, sequence, attempts, due_at)
                SELECT webhooks.name, 'msg_' || encode(payments.id, 'hex') || '_' || NEW.sequence, NEW.kind, NEW.time,
                    payments.id, NEW.sequence, 0, NEW.time
                FROM webhooks, payments WHERE payments.number = NEW.payment;
                RETURN NULL;
            END
        $$;
        CREATE TRIGGER events_noticed AFTER INSERT ON events
            FOR EACH ROW WHEN (NEW.kind IN ('settled', 'failed', 'owed')) EXECUTE FUNCTION tollgate_events_noticed();
        """
}
