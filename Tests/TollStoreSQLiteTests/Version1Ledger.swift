// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollStoreSQLite

/// A ledger file of schema 1, written row by row as the first version of the program wrote it. A copy of what it was, not of what
/// it is: nothing here changes when the program does.
enum Version1Ledger {
    /// What happened to the payments 1…6, in the words of today.
    static let histories: [[PaymentEvent]] = [
        [
            .claimed(SamplePayment.claim(1)), .answered(StoredAnswer(status: 200, fields: [], body: [])),
            .signed(SamplePayment.transaction(1)), .broadcast, .settled(SamplePayment.settlement(1)), .served,
        ],
        [.claimed(SamplePayment.claim(2)), .released(reason: "upstream 502"), .claimed(SamplePayment.claim(2))],
        [
            .claimed(SamplePayment.claim(3)), .signed(SamplePayment.transaction(3)), .settled(SamplePayment.settlement(3)),
            .owed(reason: "not delivered"), .owed(reason: "not delivered again"),
        ],
        [.claimed(SamplePayment.claim(4)), .signed(SamplePayment.transaction(4)), .unknown(reason: "timeout")],
        [.claimed(SamplePayment.claim(5)), .failed(PaymentRefusal("insufficient_funds", detail: "balance 0"))],
        [.claimed(SamplePayment.claim(6)), .settled(SamplePayment.settlement(6)), .told],
    ]

    /// The records that they fold to.
    static func records() throws -> [PaymentRecord] {
        try self.histories.enumerated().map { index, events in
            var record = PaymentRecord(SamplePayment.claim(index + 1), at: 100)
            for (step, event) in events.enumerated().dropFirst() {
                if case .owed = event, record.isOwed { continue }  // A debt that was noted twice is one debt.
                try record.apply(event, at: 100 + Int64(step))
            }
            return record
        }
    }

    /// Makes the file.
    static func write(to path: String, vfs: String? = nil) throws {
        let connection = try SQLiteConnection(path: path, access: .create, vfs: vfs)
        try connection.script(self.schema)
        for (index, events) in self.histories.enumerated() {
            let number = index + 1
            try connection.script(self.row(number))
            for (step, event) in events.enumerated() {
                let (detail, raw) = self.detail(of: event, number)
                try connection.script(
                    """
                    INSERT INTO events (payment, sequence, time, kind, detail, raw)
                    VALUES (\(number), \(step + 1), \(100 + step), '\(event.name)', '\(detail)', \(raw));
                    """)
            }
        }
        try connection.script(
            """
            INSERT INTO answers VALUES (1, '{"v":1,"status":200,"fields":[["Content-Type","dGV4dC9wbGFpbg=="]]}', x'6f6b');
            INSERT INTO ended_answers VALUES (104, 1);
            """)
    }

    /// Phase, attempts, transaction, signer and its number, block, log index, failure, answer, served, told, owed, end.
    private static let states = [
        "'settled', 1, '\(SamplePayment.hash(1))', '\(signer)', 1, 2001, 1, NULL, NULL, 1, 1, 0, 0, 100, 104",
        "'claimed', 2, NULL, NULL, NULL, NULL, NULL, 'upstream_failed', 'upstream 502', 0, 0, 0, 0, 102, NULL",
        "'settled', 1, '\(SamplePayment.hash(3))', '\(signer)', 3, 2003, 3, NULL, NULL, 0, 0, 0, 1, 100, 102",
        """
        'unknown', 1, '\(SamplePayment.hash(4))', '\(signer)', 4, NULL, NULL, 'settlement_pending', 'timeout', 0, 0, 0, 0, 100,
        NULL
        """,
        "'failed', 1, NULL, NULL, NULL, NULL, NULL, 'insufficient_funds', 'balance 0', 0, 0, 0, 0, 100, 101",
        "'settled', 1, '\(SamplePayment.hash(6))', NULL, NULL, 2006, 6, NULL, NULL, 0, 0, 1, 0, 100, 101",
    ]
    private static let signer = SamplePayment.transaction(1).signer

    private static func row(_ number: Int) -> String {
        let claim = SamplePayment.claim(number)
        return """
            INSERT INTO payments (
                number, id, network, asset, symbol, decimals, payer, nonce, scheme, pay_to, amount, dialect, policy, route,
                valid_before, phase, attempts, transaction_hash, signer, signer_nonce, block, log_index, failure_reason,
                failure_detail, has_answer, is_served, is_told, is_owed, claimed_at, ended_at)
            VALUES (
                \(number), x'\(claim.id)', 'eip155:84532', '\(claim.key.asset)', 'USDC', 6, '\(claim.key.payer)',
                '\(claim.key.nonce)', 'exact', '\(claim.option.payTo)', '1000', 'x402', 'after', '/paid/*', 1700000300,
                \(self.states[number - 1]));
            """
    }

    private static func detail(of event: PaymentEvent, _ number: Int) -> (json: String, raw: String) {
        switch event {
        case .claimed(let claim): (self.detail(of: claim), "NULL")
        case .answered: (#"{"v":1,"status":200}"#, "NULL")
        case .signed(let transaction):
            (
                #"{"v":1,"hash":"\#(transaction.hash)","signer":"\#(self.signer)","nonce":\#(number)}"#,
                "x'\(Hex.encode(transaction.raw))'"
            )
        case .settled(let settlement):
            (
                """
                {"v":1,"transaction":"\(settlement.transaction)","block":\(settlement.block),"logIndex":\(settlement.logIndex)}
                """, "NULL"
            )
        case .failed(let refusal): (#"{"v":1,"reason":"\#(refusal.reason)","detail":"\#(refusal.detail)"}"#, "NULL")
        case .unknown(let reason), .released(let reason), .owed(let reason): (#"{"v":1,"reason":"\#(reason)"}"#, "NULL")
        default: (#"{"v":1}"#, "NULL")
        }
    }

    private static func detail(of claim: Claim) -> String {
        let digest = Hex.encode(claim.request.digest?.bytes ?? [])
        let challenge = Hex.encode(claim.challengeHash?.bytes ?? [])
        return """
            {"v":1,"key":{"network":"eip155:84532","asset":"\(claim.key.asset)","payer":"\(claim.key.payer)",\
            "nonce":"\(claim.key.nonce)"},"payer":"\(claim.payer)","option":{"scheme":"exact","asset":{"network":"eip155:84532",\
            "address":"\(claim.option.asset.address)","symbol":"USDC","decimals":6,"domainName":"USDC","domainVersion":"2"},\
            "amount":"1000","payTo":"\(claim.option.payTo)","maxTimeoutSeconds":300},"dialect":"x402","policy":"after",\
            "payload":\(JSON.object(claim.payload).text),"route":"/paid/*","request":{"digest":"\(digest)","isRepeatable":true},\
            "challengeHash":"\(challenge)","unusedAtBlock":1000,"validBefore":1700000300}
            """
    }

    private static let schema = """
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
        PRAGMA application_id = 1416588396;
        PRAGMA user_version = 1;
        """
}
