// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// An event as a row of the ledger: made before the row is written, on the caller's thread and not on the writer's.
package struct EncodedEvent: Sendable {
    /// The version of the encoding. A ledger holds rows of every version that ever wrote to it.
    ///
    /// 1 had no `identifierHash` and `exposure` in a claim, no `isVoid` in a transaction, no `blockHash` in a settlement; up to 2
    /// a claim had no `worker`; up to 3 what was returned did not name its `transaction`.
    package static let version = 4
    /// The most that one row's JSON may take, in bytes. A claim is bounded by the credential that was read from a header or a
    /// body; this bound is far above, and keeps one row from filling the disk.
    package static let detailByteCountMax = 1 << 20

    /// The event.
    package let event: PaymentEvent
    /// Its particulars as JSON.
    package let detail: String
    /// A settlement transaction as it is sent; nil for other events.
    package let raw: [UInt8]?
    /// Status and fields of an answer as JSON; nil for other events.
    package let answerHead: String?

    /// Encodes; refuses what could not be read again or is over a limit, before anything is written.
    package init(_ event: PaymentEvent) throws(StoreError) {
        self.event = event
        var detail: JSONObject = ["v": .integer(Self.version)]
        var raw: [UInt8]?
        var answerHead: String?
        switch event {
        case .claimed(let claim):
            guard JSON.object(claim.payload).depth < JSON.depthMax - 1 else {
                throw .defect("a payload is nested too deep to be kept")
            }
            detail.set(claim.stored)
        case .answered(let answer):
            guard answer.body.count <= StoredAnswer.bodyByteCountMax else {
                throw .defect("an answer of \(answer.body.count) bytes is over the cap of \(StoredAnswer.bodyByteCountMax)")
            }
            detail["status"] = .integer(answer.status)
            answerHead = JSON.object(answer.storedHead).text
        case .signed(let transaction):
            detail.set(transaction.stored)
            raw = transaction.raw
        case .settled(let settlement), .refunded(let settlement):
            detail.set(settlement.stored)
        case .drawn(let units, let payment):
            detail["units"] = .string(units.description)
            detail["by"] = .string(payment.description)
        case .refunding(let refund):
            detail["to"] = .string(refund.to)
            detail["units"] = .string(refund.units.description)
            detail["transaction"] = refund.transaction.map { .object($0.stored) } ?? .null
            raw = refund.transaction?.raw
        case .failed(let refusal):
            detail["reason"] = .string(refusal.reason)
            detail["detail"] = .string(refusal.detail)
        case .unknown(let reason), .released(let reason), .owed(let reason), .vanished(let reason), .refundDropped(let reason):
            detail["reason"] = .string(reason)
        case .returned(let reason, let transaction):
            detail["reason"] = .string(reason)
            detail["transaction"] = transaction.map { .string($0) } ?? .null
        case .takenOver(let worker):
            detail["by"] = .string(worker.description)
        case .queued, .broadcast, .served, .told, .untold:
            break
        }
        self.detail = JSON.object(detail).text
        self.raw = raw
        self.answerHead = answerHead
        for part in [self.detail.utf8.count, raw?.count ?? 0, answerHead?.utf8.count ?? 0] where part > Self.detailByteCountMax {
            throw .defect("\(event.name) of \(part) bytes is over the cap of \(Self.detailByteCountMax)")
        }
    }
}

extension PaymentEvent {
    /// Reads what ``EncodedEvent`` wrote. An answer comes back with its status alone; its rest is in another table.
    package init(kind: String, detail: String, raw: [UInt8]?) throws(StoreError) {
        var members = try StrictMembers(parsing: detail, of: kind)
        let version: Int = try members.integer("v")
        guard (1...EncodedEvent.version).contains(version) else {
            throw .corrupt("\(kind) in version \(version), which this program does not know")
        }
        guard kind == "refunding" || (raw != nil) == (kind == "signed") else {
            throw .corrupt("\(kind) and raw bytes do not go together")
        }
        switch kind {
        case "claimed": self = .claimed(try Claim(stored: &members, version: version))
        case "taken_over": self = .takenOver(by: try members.parsed("by") { WorkerID($0) })
        case "queued": self = .queued
        case "answered": self = .answered(StoredAnswer(status: try members.integer("status"), fields: [], body: []))
        case "signed":
            self = .signed(try SettlementTransaction(stored: &members, raw: raw ?? [], version: version))
        case "broadcast": self = .broadcast
        case "unknown": self = .unknown(reason: try members.string("reason"))
        case "settled":
            self = .settled(try Settlement(stored: &members, version: version))
        case "returned":
            let reason = try members.string("reason")
            self = .returned(reason: reason, transaction: version > 3 ? try members.stringIfAny("transaction") : nil)
        case "vanished": self = .vanished(reason: try members.string("reason"))
        case "failed": self = .failed(PaymentRefusal(try members.string("reason"), detail: try members.string("detail")))
        case "released": self = .released(reason: try members.string("reason"))
        case "served": self = .served
        case "told": self = .told
        case "untold": self = .untold
        case "owed": self = .owed(reason: try members.string("reason"))
        case "drawn":
            self = .drawn(
                units: try members.parsed("units") { UInt256(decimal: $0) },
                by: try members.parsed("by") { PaymentID($0) }
            )
        case "refunding": self = .refunding(try Refund(stored: &members, raw: raw))
        case "refund_dropped": self = .refundDropped(reason: try members.string("reason"))
        case "refunded": self = .refunded(try Settlement(stored: &members, version: version))
        default: throw .corrupt("an event of unknown kind \(kind)")
        }
        try members.end()
    }
}
