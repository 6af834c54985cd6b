// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// Payments to fill ledgers with: valid in form, of nobody's money.
public enum SamplePayment {
    /// A token that stands for any.
    public static let asset = Asset(
        network: ChainID(eip155: 84_532),
        address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        symbol: "USDC",
        decimals: 6,
        domainName: "USDC",
        domainVersion: "2"
    )

    /// Another token on the same chain.
    public static let otherAsset = Asset(
        network: ChainID(eip155: 84_532), address: "0x808456652fdb597867f38412077A9182bf77359F", symbol: "EURC", decimals: 6,
        domainName: "EURC", domainVersion: "2")

    /// The payer of every sample.
    public static let payer = "0x857b06519E91e3A54538791bDbb0E22373e36b66"

    /// The authorization's nonce of sample `number`.
    public static func nonce(_ number: Int) -> String { Hex.encodePrefixed(UInt256(UInt64(number)).word.bytes) }

    /// The transaction hash of sample `number`.
    public static func hash(_ number: Int) -> String { Hex.encodePrefixed(Keccak256.hash(text: "transaction \(number)").bytes) }

    /// Claim number `number`. Different numbers are different payments.
    public static func claim(
        _ number: Int,
        dialect: DialectID = "x402",
        policy: SettlePolicy = .after,
        payload: JSONObject? = nil,
        route: String = "/paid/*",
        request: String = "GET /paid/1",
        challenge: String? = "challenge",
        unusedAtBlock: UInt64 = 1_000,
        asset: Asset = SamplePayment.asset,
        amount: UInt256 = 1_000,
        payer: String = SamplePayment.payer,
        validBefore: Int64 = 1_700_000_300,
        identifier: String? = nil,
        exposure: Int64 = 0,
        worker: WorkerID? = nil
    ) -> Claim {
        Claim(
            key: PaymentKey(network: self.asset.network, asset: self.asset.address, payer: payer, nonce: self.nonce(number)),
            payer: payer,
            option: PaymentOption(
                asset: asset,
                amount: amount,
                payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
                maxTimeoutSeconds: 300
            ),
            dialect: dialect,
            policy: policy,
            payload: payload ?? self.payload(number),
            route: route,
            request: RequestIdentity(parts: [Array(request.utf8)], isRepeatable: true),
            challengeHash: challenge.map { Keccak256.hash(text: $0) },
            unusedAtBlock: unusedAtBlock,
            validBefore: validBefore,
            identifierHash: identifier.map { Keccak256.hash(text: $0) },
            exposure: exposure,
            worker: worker
        )
    }

    /// Worker `number`.
    public static func worker(_ number: Int) -> WorkerID {
        WorkerID(randomBytes: Array(Keccak256.hash(text: "worker \(number)").bytes.prefix(WorkerID.byteCount)))
    }

    /// The payload of an exact-EVM credential with a signature that nobody made.
    public static func payload(_ number: Int) -> JSONObject {
        [
            "signature": .string("0x" + String(repeating: "5a", count: 65)),
            "authorization": [
                "from": .string(self.payer), "to": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", "value": "1000",
                "validAfter": "1700000000", "validBefore": "1700000300", "nonce": .string(self.nonce(number)),
            ],
        ]
    }

    /// The signed transaction that settles sample `number`.
    public static func transaction(_ number: Int) -> SettlementTransaction {
        SettlementTransaction(
            hash: self.hash(number),
            raw: [0x02, 0xF8, 0x00] + Array("raw transaction \(number)".utf8),
            signer: "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            nonce: UInt64(number)
        )
    }

    /// A transaction that replaces ``transaction(_:)``: the same signer and number.
    public static func replacement(_ number: Int, _ attempt: Int) -> SettlementTransaction {
        let first = self.transaction(number)
        return SettlementTransaction(
            hash: Hex.encodePrefixed(Keccak256.hash(text: "transaction \(number).\(attempt)").bytes),
            raw: first.raw + [UInt8(attempt)],
            signer: first.signer, nonce: first.nonce, isVoid: attempt == 3)
    }

    /// Where sample `number` settles.
    public static func settlement(_ number: Int) -> Settlement {
        Settlement(transaction: self.hash(number), block: 2_000 + UInt64(number), logIndex: UInt64(number % 7))
    }

    /// An answer of `byteCount` bytes.
    public static func answer(_ number: Int, byteCount: Int = 32) -> StoredAnswer {
        StoredAnswer(
            status: 200,
            fields: [.init(name: "Content-Type", value: Array("application/octet-stream".utf8))],
            body: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
        )
    }

    /// What happens to a payment that goes well under `after`, batch by batch.
    public static func happyPath(_ number: Int) -> [[PaymentEvent]] {
        [
            [.answered(self.answer(number))], [.signed(self.transaction(number))],
            [.broadcast, .settled(self.settlement(number))],
            [.served],
        ]
    }
}
