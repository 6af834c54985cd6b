// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization
import TollPayments
import TollStorePostgres
import TollTestKit

/// A ledger in a database of its own, on the server that all tests share.
final class SharedLedger: PaymentStoreHarness {
    private let database = SharedDatabase()

    func open() async throws -> any PaymentStore { try await self.openPostgres() }

    func openPostgres() async throws -> PostgresPaymentStore {
        let url = try await self.database.url
        // With everything else that a run does at the same time, a server may get no processor for a while.
        return try await onThread { try PostgresPaymentStore(url: url, statementTime: .seconds(60)) }
    }

    /// Runs SQL in the ledger's database as the server's owner.
    @discardableResult
    func execute(_ sql: String) async throws -> String {
        try await PostgresServer.shared().execute(sql, database: PostgresServer.database(in: self.database.url))
    }

    /// The ledger's URL for one of the server's users.
    func url(user: String) async throws -> String {
        let server = try await PostgresServer.shared()
        return server.url(database: PostgresServer.database(in: try await self.database.url), user: user)
    }

    func close(_ store: any PaymentStore) async throws {
        await (store as? PostgresPaymentStore)?.close()
    }
}

/// Makes its database when it is first asked for.
actor SharedDatabase {
    private var made: String?

    var url: String {
        get async throws {
            if let made { return made }
            let url = try await PostgresServer.shared().makeDatabase()
            self.made = url
            return url
        }
    }
}

/// Runs `body` with so many stores on one new ledger, and closes them afterwards.
func withStores(
    _ count: Int, on ledger: SharedLedger = SharedLedger(), _ body: ([PostgresPaymentStore]) async throws -> Void
) async throws {
    var stores: [PostgresPaymentStore] = []
    for _ in 0..<count { stores.append(try await ledger.openPostgres()) }
    let result: Result<Void, any Error>
    do { result = .success(try await body(stores)) } catch { result = .failure(error) }
    for store in stores { await store.close() }
    try result.get()
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, any Error>, Never>) in
        DispatchQueue(label: "tollgate.test.blocking").async { continuation.resume(returning: Result { try body() }) }
    }.get()
}
