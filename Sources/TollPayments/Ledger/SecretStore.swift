// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollPrimitives

/// Secrets that all who serve from one ledger share: made by whoever asks first, and then the same for everybody, for good.
public protocol SecretStore: Sendable {
    /// The secret of this name: what somebody gave before, or else `fresh`, which it is from now on. One atomic step: of many who
    /// ask at once, all get the same.
    ///
    /// - Parameters:
    ///   - name: Says what it is for; it is not secret.
    ///   - fresh: Random bytes.
    func secret(_ name: String, orElse fresh: Secret<[UInt8]>) async throws(StoreError) -> Secret<[UInt8]>
}

extension MemoryPaymentStore: SecretStore {
    public func secret(_ name: String, orElse fresh: Secret<[UInt8]>) async throws(StoreError) -> Secret<[UInt8]> {
        self.ledger.withLock { ledger in
            if let kept = ledger.secrets[name] { return kept }
            ledger.secrets[name] = fresh
            return fresh
        }
    }
}
