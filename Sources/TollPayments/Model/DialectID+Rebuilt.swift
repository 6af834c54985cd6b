// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension DialectID {
    /// No dialect: the payment was found on chain after a restore of the ledger, and what it bought is not known.
    public static let rebuilt = DialectID("rebuilt")
}
