// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Money that somebody sent by itself is a payment of its own, a deposit: made once per Transfer log, settled when it is made,
/// and owed until a call is bought with it. A call that is bought with deposits is known by its reference.
extension PaymentKey {
    private static let depositMark = "transfer:"
    private static let referenceMark = "reference:"

    /// The deposit that one Transfer made.
    ///
    /// - Parameters:
    ///   - payer: Who sent it: `from` of the log.
    ///   - position: The log's place among those of its transaction, which a reorganisation leaves as it is; its place in the
    ///     block does not.
    public static func deposit(
        network: ChainID, asset: String, payer: String, transaction: String, position: UInt64
    ) -> PaymentKey {
        PaymentKey(network: network, asset: asset, payer: payer, nonce: "\(self.depositMark)\(transaction)/\(position)")
    }

    /// The call that a reference buys: one, whoever has paid for it.
    public static func call(reference hash: Bytes32, network: ChainID, payer: String) -> PaymentKey {
        PaymentKey(network: network, asset: "reference", payer: payer, nonce: "\(self.referenceMark)\(hash.hex)")
    }

    /// Whether it is of money that arrived by itself.
    public var isDeposit: Bool { self.nonce.hasPrefix(Self.depositMark) }

    /// The transaction that made the deposit, and the place of its log among those of the transaction; nil for any other payment.
    public var depositPlace: (transaction: String, position: UInt64)? {
        guard self.isDeposit else { return nil }
        let parts = self.nonce.dropFirst(Self.depositMark.count).split(separator: "/")
        guard parts.count == 2, let position = UInt64(parts[1]) else { return nil }
        return (String(parts[0]), position)
    }

    /// The reference whose call it is; nil for any other payment.
    public var boughtReference: Bytes32? {
        guard Self.isOfReference(nonce: self.nonce) else { return nil }
        return Bytes32(hex: self.nonce.dropFirst(Self.referenceMark.count))
    }

    /// Whether its payer is no part of what makes it one.
    static func isOfReference(nonce: String) -> Bool { nonce.hasPrefix(Self.referenceMark) }
}

/// Whose credit buys.
public enum CreditSource: Hashable, Sendable {
    /// All that a payer is owed.
    case payer(String)
    /// What was deposited for a reference, and nothing else: whoever has the reference need not be who paid.
    case deposits(for: Bytes32)
}

extension Claim {
    /// The reference that the money of this claim was sent for; nil for what is no deposit.
    public var depositedFor: Bytes32? { self.key.isDeposit ? self.challengeHash : nil }

    /// The transaction that was shown for it, where transactions are shown.
    public var shownTransaction: String? { self.key.boughtReference == nil ? nil : self.payload["txHash"]?.string }

    /// What a claim by credit draws on: the call of a reference on what was deposited for it, every other on all that the payer
    /// is owed.
    public var creditSource: CreditSource {
        self.key.boughtReference.map { .deposits(for: $0) } ?? .payer(self.key.payer)
    }
}

extension PaymentRecord {
    /// Whether it is a deposit whose reference can still be redeemed at `time` (seconds since 1970): what is owed for it is kept
    /// for the call until then.
    public func awaitsCall(at time: Int64) -> Bool {
        self.claim.depositedFor != nil && self.debt?.isOpen == true && time <= self.claim.validBefore
    }
}
