// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Something that an endpoint outside is to be told of.
public struct Notice: Hashable, Sendable {
    /// What it is about.
    public enum Subject: Hashable, Sendable {
        /// An event of a payment, by its place among the payment's events, from 1.
        case event(PaymentID, sequence: Int64)
        /// Something else, as JSON.
        case other(detail: String)
    }

    /// Its number in the outbox.
    public let number: Int64
    /// The name of who is to be told.
    public let endpoint: String
    /// Its own name: the same for every endpoint and at every attempt, so that whoever hears it twice can tell.
    public let name: String
    /// The kind of event, as the ledger writes it: `settled`, `failed`, `owed`; or of what is no event.
    public let kind: String
    /// When it happened, in seconds since 1970.
    public let time: Int64
    /// What it is about.
    public let subject: Subject
    /// How often it was tried to tell, this time included.
    public let attempts: Int

    /// A notice by all its fields.
    public init(number: Int64, endpoint: String, name: String, kind: String, time: Int64, subject: Subject, attempts: Int) {
        self.number = number
        self.endpoint = endpoint
        self.name = name
        self.kind = kind
        self.time = time
        self.subject = subject
        self.attempts = attempts
    }

    /// Kinds of events of payments that are told.
    public static let eventKinds: Set<String> = ["settled", "failed", "owed"]

    /// Whether an event of a payment is told. A deposit is owed from its start, until a call is bought with it: nobody has to do
    /// anything about that.
    static func isTold(_ event: PaymentEvent, of claim: Claim) -> Bool {
        if case .owed = event, claim.depositedFor != nil { return false }
        return self.eventKinds.contains(event.name)
    }

    /// The name of what happened to a payment.
    static func name(_ payment: PaymentID, sequence: Int64) -> String { "msg_\(payment)_\(sequence)" }
}

/// What is still to be told to others, in the ledger: a notice is written by the same atomic step as the event it is about,
/// whoever writes that, so that none is lost. It is handed out again until somebody says that it was heard.
public protocol NoticeOutbox: Sendable {
    /// From now on these endpoints are told what happens. Say so again from time to time: one that is not named for long is
    /// forgotten by ``pruneNotices(before:)``.
    func subscribe(_ endpoints: [String], at time: Int64) async throws(StoreError)

    /// Tells every endpoint something that is no event of a payment; a name that was used before changes nothing.
    func post(name: String, kind: String, detail: String, at time: Int64) async throws(StoreError)

    /// Hands out notices of `endpoint` that are due, the longest due first, for `leaseSeconds`: meanwhile no other call gets
    /// them. Counts an attempt for each.
    func takeNotices(
        of endpoint: String, limit: Int, leaseSeconds: Int64, at time: Int64
    ) async throws(StoreError) -> [Notice]

    /// A notice was heard, or is given up.
    func endNotice(_ number: Int64, at time: Int64) async throws(StoreError)

    /// A notice is due again at `time`.
    func postponeNotice(_ number: Int64, until time: Int64) async throws(StoreError)

    /// Forgets notices that ended before `time`, and endpoints that were last named before it with all that they were to be told.
    func pruneNotices(before time: Int64) async throws(StoreError)
}

extension Notice {
    /// The columns that stores of tables read a notice from.
    package static let columns = "number, endpoint, name, kind, time, payment, sequence, detail, attempts"

    /// A notice as stores of tables keep it; anything else is corruption.
    ///
    /// - Parameter value: What a column holds, by its place in ``columns``.
    package init(row value: (Int) throws(StoreError) -> LedgerValue) throws(StoreError) {
        guard case .integer(let number) = try value(0), case .text(let endpoint) = try value(1),
            case .text(let name) = try value(2), case .text(let kind) = try value(3), case .integer(let time) = try value(4),
            case .integer(let attempts) = try value(8)
        else { throw .corrupt("a notice is not one") }
        let subject: Subject
        switch (try value(5), try value(6), try value(7)) {
        case (.blob(let digest), .integer(let sequence), .null):
            guard let digest = Bytes32(digest) else { throw .corrupt("notice \(number) names no payment") }
            subject = .event(PaymentID(digest), sequence: sequence)
        case (.null, .null, .text(let detail)): subject = .other(detail: detail)
        default: throw .corrupt("notice \(number) is about nothing")
        }
        self.init(
            number: number, endpoint: endpoint, name: name, kind: kind, time: time, subject: subject, attempts: Int(attempts))
    }
}
