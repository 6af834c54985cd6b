// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

extension SQLitePaymentStore: SecretStore {
    public func secret(_ name: String, orElse fresh: Secret<[UInt8]>) async throws(StoreError) -> Secret<[UInt8]> {
        try await self.writes.write { writer throws(StoreError) in
            try fresh.withExposed { value throws(StoreError) in
                try writer.connection.run(
                    "INSERT INTO secrets (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
                    [.text(name), .blob(copy value)])
            }
            let kept = try writer.connection.rows("SELECT value FROM secrets WHERE name = ?1", [.text(name)]) {
                row throws(StoreError) in Secret(try row.blob(0))
            }
            guard let secret = kept.first else { throw .corrupt("the secret \(name) is there and is not") }
            return secret
        }
    }
}
