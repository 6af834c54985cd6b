// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

extension PostgresPaymentStore: SecretStore {
    /// Whoever comes second waits for the first one's row, and then reads it: every statement sees what was committed before it.
    public func secret(_ name: String, orElse fresh: Secret<[UInt8]>) async throws(StoreError) -> Secret<[UInt8]> {
        try await self.writers.read { writer throws(StoreError) in
            try fresh.withExposed { value throws(StoreError) in
                _ = try writer.session.run(
                    "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                    [.text(name), .blob(copy value)])
            }
            let kept = try writer.session.run("SELECT value FROM secrets WHERE name = $1", [.text(name)]).first {
                row throws(StoreError) in Secret(try row.blob(0))
            }
            guard let kept else { throw .corrupt("the secret \(name) is there and is not") }
            return kept
        }
    }
}
