// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A payment as it stands in a ledger of tables, and where.
package struct StoredPayment: Sendable {
    /// The row's number.
    package let number: Int64
    /// The number of its events; the next one is numbered one higher.
    package var eventCount: Int64
    /// Its events, folded.
    package var record: PaymentRecord

    /// A payment by all its parts.
    package init(number: Int64, eventCount: Int64, record: PaymentRecord) {
        self.number = number
        self.eventCount = eventCount
        self.record = record
    }

    /// Folds a payment's events, oldest first, and holds the outcome against its row.
    ///
    /// - Parameters:
    ///   - number: The row's number.
    ///   - row: What the row says.
    ///   - events: Each event with its place in the payment, from 1.
    package init(
        number: Int64, row: PaymentRow, folding events: [(sequence: Int64, timed: TimedEvent)]
    ) throws(StoreError) {
        for (position, event) in events.enumerated() where event.sequence != Int64(position + 1) {
            throw .corrupt("event \(position + 1) of payment number \(number) is missing")
        }
        guard let first = events.first?.timed, case .claimed(let claim) = first.event else {
            throw .corrupt("payment number \(number) does not begin with a claim")
        }
        var record = PaymentRecord(claim, at: first.time)
        for (_, event) in events.dropFirst() {
            // Version 1 wrote a debt again each time a call for it failed; it is one debt.
            if case .owed = event.event, record.debt != nil { continue }
            do throws(PaymentRecord.InvalidTransition) { try record.apply(event.event, at: event.time) } catch {
                throw .corrupt(error.description)
            }
        }
        let differing = row.changes(to: PaymentRow(record)).map(\.column)
        guard differing.isEmpty else {
            throw .corrupt("the row of payment \(record.id) and its events differ in \(differing.joined(separator: ", "))")
        }
        self.init(number: number, eventCount: Int64(events.count), record: record)
    }
}
