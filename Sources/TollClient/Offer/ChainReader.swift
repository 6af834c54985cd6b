// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// What a buyer may ask a chain. Nil when no node is configured for the network or it does not answer: a buyer without nodes
/// can pay all the same, it only learns later that its money does not suffice.
public protocol ChainReader: Sendable {
    /// What `account` has of `asset`, in the smallest unit.
    func balance(of account: String, in asset: Asset) async -> UInt256?

    /// Whether the authorization of `account` under `nonce` is used or cancelled.
    func isAuthorizationUsed(by account: String, nonce: Bytes32, asset: Asset) async -> Bool?
}

/// No chain at all.
public struct NoChainReader: ChainReader {
    /// A reader that knows nothing.
    public init() {}

    /// Nil.
    public func balance(of account: String, in asset: Asset) async -> UInt256? { nil }

    /// Nil.
    public func isAuthorizationUsed(by account: String, nonce: Bytes32, asset: Asset) async -> Bool? { nil }
}
