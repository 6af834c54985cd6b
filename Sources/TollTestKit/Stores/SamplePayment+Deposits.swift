// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// References, and what was sent for them.
extension SamplePayment {
    /// A recipient of every sample that has no address of its own.
    public static let recipient = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"

    /// The digest of reference `number`.
    public static func referenceHash(_ number: Int) -> Bytes32 { Keccak256.hash(text: "reference \(number)") }

    /// Reference number `number`, which nobody has opened.
    public static func reference(
        _ number: Int, binding: ReferenceBinding = .amount, price: UInt256 = 1_000, asset: Asset = SamplePayment.asset,
        payTo: String = SamplePayment.recipient, issuedAt: Int64 = 1_000, expires: Int64 = 1_600
    ) -> PaymentReference {
        PaymentReference(
            hash: self.referenceHash(number), binding: binding,
            option: PaymentOption(
                scheme: "transfer-proof", asset: asset, amount: price, payTo: payTo, maxTimeoutSeconds: 600),
            route: "/paid/*", resource: "https://api.example.com/paid/\(number)?q=\u{0}\"ü", head: 4_000 + UInt64(number),
            issuedAt: issuedAt, expires: expires)
    }

    /// The claim of a deposit: what transaction `number` moved for a reference.
    public static func deposit(
        _ number: Int, for reference: Bytes32, amount: UInt256 = 1_000, asset: Asset = SamplePayment.asset,
        payer: String = SamplePayment.payer
    ) -> Claim {
        Claim(
            key: .deposit(
                network: asset.network, asset: asset.address, payer: payer, transaction: self.hash(number), position: 2),
            payer: payer,
            option: PaymentOption(
                scheme: "transfer-proof", asset: asset, amount: amount, payTo: self.recipient, maxTimeoutSeconds: 600),
            dialect: "transfer-proof", policy: .before, payload: [:], route: "/paid/*",
            request: RequestIdentity(digest: nil, isRepeatable: false), challengeHash: reference, unusedAtBlock: 4_000,
            validBefore: 1_660)
    }

    /// The claim of the call that a reference buys.
    public static func call(
        of reference: Bytes32, amount: UInt256 = 1_000, asset: Asset = SamplePayment.asset, payer: String = SamplePayment.payer
    ) -> Claim {
        Claim(
            key: .call(reference: reference, network: asset.network, payer: payer), payer: payer,
            option: PaymentOption(
                scheme: "transfer-proof", asset: asset, amount: amount, payTo: self.recipient, maxTimeoutSeconds: 600),
            dialect: "transfer-proof", policy: .before, payload: ["txHash": .string(self.hash(1))], route: "/paid/*",
            request: RequestIdentity(parts: [Array("GET /paid/1".utf8)], isRepeatable: true), challengeHash: reference,
            unusedAtBlock: 4_000, validBefore: 1_660)
    }
}
