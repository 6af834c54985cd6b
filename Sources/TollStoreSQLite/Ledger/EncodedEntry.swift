// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// A ``LedgerEntry`` whose events are encoded.
struct EncodedEntry: Sendable {
    let payment: PaymentID
    let events: [EncodedEvent]

    init(_ payment: PaymentID, _ events: [PaymentEvent]) throws(StoreError) {
        self.payment = payment
        var encoded: [EncodedEvent] = []
        for event in events { encoded.append(try EncodedEvent(event)) }
        self.events = encoded
    }

    /// Encodes all of `entries`.
    static func all(_ entries: [LedgerEntry]) throws(StoreError) -> [EncodedEntry] {
        var encoded: [EncodedEntry] = []
        for entry in entries { encoded.append(try EncodedEntry(entry.payment, entry.events)) }
        return encoded
    }
}
