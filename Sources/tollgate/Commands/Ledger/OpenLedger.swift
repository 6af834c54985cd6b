// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollStoreSQLite

/// Opens the ledger that a configuration names, as a command needs it. Each blocks.
enum OpenLedger {
    /// To look at it, beside whoever writes it.
    static func reading(_ configuration: Configuration) throws(StoreError) -> any PaymentReader {
        try SQLitePaymentReader(path: configuration.storePath)
    }

    /// To write to it beside a running gateway.
    static func sharing(_ configuration: Configuration) throws(StoreError) -> any PaymentStore {
        try SQLitePaymentStore(path: configuration.storePath, sharing: true)
    }

    /// Reads the whole ledger, folds every event anew and holds it against the rows: how many payments, and what is wrong.
    static func verify(_ configuration: Configuration) async throws(StoreError) -> (payments: Int, problems: [String]) {
        let store = try SQLitePaymentStore(path: configuration.storePath, sharing: true)
        let integrity = try await store.verifyIntegrity()
        await store.close()
        return (integrity.paymentCount, integrity.problems)
    }

    /// To write to it alone: refused while a gateway runs.
    static func alone(_ configuration: Configuration) throws(StoreError) -> any PaymentStore {
        try SQLitePaymentStore(path: configuration.storePath)
    }
}
