// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollStorePostgres
import TollStoreSQLite

/// All that a ledger is to whoever serves from it.
typealias ServingLedger = PaymentStore & ReferenceStore & SecretStore & NoticeOutbox

/// Opens the ledger that a configuration names, as somebody needs it. Each blocks.
enum OpenLedger {
    /// To look at it, beside whoever writes it.
    static func reading(_ configuration: Configuration) throws(StoreError) -> any PaymentReader {
        switch configuration.store {
        case .sqlite(let path): try SQLitePaymentReader(path: path)
        case .postgres(let url): try url.withExposed { url throws(StoreError) in try PostgresPaymentReader(url: url) }
        }
    }

    /// To write to it beside a running gateway.
    static func sharing(_ configuration: Configuration) throws(StoreError) -> any PaymentStore {
        switch configuration.store {
        case .sqlite(let path): try SQLitePaymentStore(path: path, sharing: true)
        case .postgres(let url): try url.withExposed { url throws(StoreError) in try PostgresPaymentStore(url: url) }
        }
    }

    /// Reads the whole ledger, folds every event anew and holds it against the rows: how many payments, and what is wrong.
    static func verify(_ configuration: Configuration) async throws(StoreError) -> (payments: Int, problems: [String]) {
        switch configuration.store {
        case .sqlite(let path):
            let store = try SQLitePaymentStore(path: path, sharing: true)
            let integrity = try await store.verifyIntegrity()
            await store.close()
            return (integrity.paymentCount, integrity.problems)
        case .postgres(let url):
            let reader = try url.withExposed { url throws(StoreError) in try PostgresPaymentReader(url: url) }
            let integrity = try await reader.verifyIntegrity()
            await reader.close()
            return (integrity.paymentCount, integrity.problems)
        }
    }

    /// To serve from it. A file is served by one process, a database by many.
    static func serving(_ configuration: Configuration) throws(StoreError) -> any ServingLedger {
        switch configuration.store {
        case .sqlite(let path): try SQLitePaymentStore(path: path)
        case .postgres(let url): try url.withExposed { url throws(StoreError) in try PostgresPaymentStore(url: url) }
        }
    }

    /// To write to it alone: refused while a gateway runs, and none starts meanwhile.
    static func alone(_ configuration: Configuration) throws(StoreError) -> any PaymentStore {
        switch configuration.store {
        case .sqlite(let path): try SQLitePaymentStore(path: path)
        case .postgres(let url):
            try url.withExposed { url throws(StoreError) in try PostgresPaymentStore(url: url, alone: true) }
        }
    }

    /// Says what keeps the ledger from being opened, and changes nothing. A file that is not there yet is no fault.
    static func check(_ configuration: Configuration) throws(StoreError) {
        guard case .postgres(let url) = configuration.store else { return }
        try url.withExposed { url throws(StoreError) in try PostgresPaymentStore.check(url: url) }
    }
}
