// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What a chain makes unique about an authorization: whoever spends it, it is spent once.
///
/// The key of a payment is this, never the bytes of a header: the same authorization in another dialect, in other JSON or
/// with another spelling of its addresses is the same payment.
public struct PaymentKey: Hashable, Sendable {
    /// The chain.
    public let network: ChainID
    /// The token, lower case.
    public let asset: String
    /// Who pays, lower case.
    public let payer: String
    /// The authorization's nonce, lower case.
    public let nonce: String
    /// The payment's name. Computed once: it is asked for at every step of a payment.
    public let id: PaymentID

    /// Lower-cases everything that a chain compares without case.
    public init(network: ChainID, asset: String, payer: String, nonce: String) {
        self.network = network
        self.asset = asset.lowercased()
        self.payer = payer.lowercased()
        self.nonce = nonce.lowercased()
        var parts: [UInt8] = []
        parts.reserveCapacity(256)
        let counted = Self.isOfReference(nonce: self.nonce) ? "" : self.payer
        for part in [self.network.namespace, ":", self.network.reference, "/", self.asset, "/", counted, "/", self.nonce] {
            parts.append(contentsOf: part.utf8)
        }
        self.id = PaymentID(Keccak256.hash(parts))
    }
}

/// The name of one payment, everywhere: in the ledger, the logs, `Tollgate-Payment-Id`.
public struct PaymentID: Hashable, Sendable, CustomStringConvertible {
    /// The hash of the payment's key.
    public let digest: Bytes32

    /// From a digest.
    public init(_ digest: Bytes32) {
        self.digest = digest
    }

    /// From 64 hexadecimal digits; nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 64, let digest = Bytes32(hex: text) else { return nil }
        self.digest = digest
    }

    /// 64 lower-case hexadecimal digits.
    public var description: String { self.digest.hex }
}
