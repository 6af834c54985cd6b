// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollTestKit

@testable import TollStorePostgres

/// The driver over a real server. Its calls block, so each test runs them on a thread of its own.
@Suite struct PostgresConnectionTests {
    /// Runs `body` with a connection to an empty database of the shared server.
    static func withConnection<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws -> Value {
        let url = try await PostgresServer.shared().makeDatabase()
        return try await onThread { try body(try PostgresConnection(url: url)) }
    }

    @Test func `values of every type come back as they were sent`() async throws {
        let values: [LedgerValue] = [
            .null, .integer(.min), .integer(-1), .integer(.max), .text(""), .text("ä\u{1F4B6}' ; --"),
            .text("a\0b\u{E000}\u{E001}"),
            .blob([]), .blob(Array(0...255)),
        ]
        let found = try await Self.withConnection { connection in
            try values.map { value in
                let type =
                    switch value {
                    case .integer: "bigint"
                    case .blob: "bytea"
                    case .null, .text: "text"
                    }
                return try connection.run("SELECT $1::\(type)", [.one(value)]).first { row throws(StoreError) in try row.value(0)
                }
            }
        }
        #expect(found == values)
    }

    @Test func `arrays arrive element by element`() async throws {
        let found = try await Self.withConnection { connection in
            try connection.run(
                "SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])",
                [
                    .array([.integer(1), .integer(-2), .integer(.max)], of: .integer),
                    .array([.text("a,b"), .null, .text("\"{}")], of: .text), .array([], of: .bytes),
                ]
            ).rows { row throws(StoreError) in [try row.value(0), try row.value(1), try row.value(2)] }
        }
        #expect(
            found == [
                [.integer(1), .text("a,b"), .null], [.integer(-2), .null, .null], [.integer(.max), .text("\"{}"), .null],
            ])
    }

    @Test func `a refused statement says why, and the connection goes on`() async throws {
        try await Self.withConnection { connection in
            #expect(throws: PostgresError(kind: .refused(sqlState: "22012"), message: "division by zero")) {
                try connection.run("SELECT 1::bigint / 0")
            }
            #expect(throws: PostgresError.self) { try connection.run("SELEKT") }
            #expect(!connection.isLost)
            let found = try connection.run("SELECT 7::bigint").first { row throws(StoreError) in try row.integer(0) }
            #expect(found == 7)
        }
    }

    @Test func `a type that no ledger has is not guessed at`() async throws {
        try await Self.withConnection { connection in
            let result = try connection.run("SELECT 1.5::float8, 'a'::text")
            #expect(throws: StoreError.self) { try result.first { row throws(StoreError) in try row.value(0) } }
            #expect(throws: StoreError.self) { try result.first { row throws(StoreError) in try row.integer(1) } }
        }
    }

    @Test func `a commit of a failed transaction is told from a commit`() async throws {
        try await Self.withConnection { connection in
            try connection.run("BEGIN")
            #expect(throws: PostgresError.self) { try connection.run("SELECT 1/0") }
            #expect(connection.isInTransaction)
            #expect(try connection.run("COMMIT").command == "ROLLBACK")
            #expect(!connection.isInTransaction)
        }
    }

    @Test func `an answer that does not come in time loses the connection`() async throws {
        try await Self.withConnection { connection in
            let error = #expect(throws: PostgresError.self) {
                try connection.run("SELECT pg_sleep(30)", within: .milliseconds(100))
            }
            #expect(error?.kind == .timedOut)
            #expect(connection.isLost)
        }
    }

    @Test func `a connection that the server ends is lost, and says so`() async throws {
        try await Self.withConnection { connection in
            let error = #expect(throws: PostgresError.self) {
                try connection.run("SELECT pg_terminate_backend(pg_backend_pid())")
            }
            #expect(error?.kind == .lost)
            #expect(connection.isLost)
        }
    }

    @Test func `a large value goes through a socket that fills`() async throws {
        let bytes = [UInt8](repeating: 0xA5, count: 8 << 20)
        let found = try await Self.withConnection { connection in
            try connection.run("SELECT $1::bytea", [.blob(bytes)]).first { row throws(StoreError) in try row.blob(0) }
        }
        #expect(found == bytes)
    }

    @Test(
        arguments: [
            "postgres://nobody:secret@127.0.0.1:1/x", "postgres://%zz:secret@host/x", "postgres://user:%zzsecret@host/x",
            "postgres://user:pass/secret@host/x", "postgres://user:pass@secret@host/x", "postgres://user:secret",
        ])
    func `where no server is, an error says so without the password`(url: String) async throws {
        let error = try await onThread { #expect(throws: PostgresError.self) { _ = try PostgresConnection(url: url) } }
        #expect(error?.kind == .lost)
        #expect(error?.message.contains("secret") == false, "\(error?.message ?? "")")
    }
}
