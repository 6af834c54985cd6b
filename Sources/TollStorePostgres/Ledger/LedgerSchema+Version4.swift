// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension LedgerSchema {
    static let version4 = [secrets].joined(separator: "\n")

    /// What all who serve from the ledger share, by name.
    private static let secrets = """
        CREATE TABLE secrets (
            name text PRIMARY KEY,
            value bytea NOT NULL
        );
        """
}
