// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The ledger did not do what it was asked. The gate closes (invariant I7).
public struct StoreError: Error, Hashable, Sendable {
    /// Whether the caller did something that cannot be, rather than the store being unable.
    public let isDefect: Bool
    /// What happened, for the log.
    public let reason: String

    /// The store could not answer. Of a write it is not known whether it happened.
    public static func unavailable(_ reason: String) -> StoreError { StoreError(isDefect: false, reason: reason) }
    /// The caller asked for what cannot be. Nothing was written.
    public static func defect(_ reason: String) -> StoreError { StoreError(isDefect: true, reason: reason) }
}
