// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPrimitives

/// More typed data and ABI of x402 schemes, for the generic encoders: arrays of structs, strings, bytes within bytes.
/// V4 is from x402-foundation's `batch-settlement-byte-equivalence` fixtures; C-numbers are those of the x402 reference.
struct TypedDataAnswersTests {
    private let batch = EIP712.Domain(
        name: "x402 Batch Settlement",
        version: "1",
        chainID: 84532,
        verifyingContract: Address(hex: "0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003")
    )
    private let channelID = word("0x5aa0c653042e33ac01a3e944daa7f9a9db4153a203423551757927bca6a8fc93")

    @Test func `a channel's configuration hashes to its id (V4 L2.1)`() {
        let type = EIP712.typeHash(
            "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,"
                + "uint40 withdrawDelay,bytes32 salt)"
        )
        #expect(type == word("0x1c9a06ceab9b0ebbd3301dc56c9111bb6d9af421356dc9ccb3b7084c755db308"))
        let parties = [0x11, 0x11, 0x33, 0x44, 0x55].map { Address([UInt8](repeating: $0, count: 20))!.word }
        let hash = EIP712.structHash(type, parties + [UInt256(900).word, .zero])
        #expect(EIP712.digest(self.batch, hash) == self.channelID)
    }

    @Test func `a voucher is digested and signed (V4 L2.2, C5)`() {
        let type = EIP712.typeHash("Voucher(bytes32 channelId,uint128 maxClaimableAmount)")
        let digest = EIP712.digest(self.batch, EIP712.structHash(type, [self.channelID, UInt256(1000).word]))
        #expect(digest == word("0xbeff2905f91d80520e5393b1e6aa65c14c4cf4f6e9c36eab64b49a90953873e2"))
        let signature =
            "0x1186499751934d28d15089b2cfd4addd8f6059b070a45e7111765064394b7490"
            + "16e9f49353981523d7cc72452d8fe0b71ac365ddf7fe4ecf473179608ea947831b"
        #expect(signer.sign(digest: digest).description == signature)
    }

    @Test(arguments: [
        ([UInt256(1000)], "0xfecd0b3504fb3b63b76003ba280d5303975ed18f1e0332b42b2428389b3569e4"),
        ([], "0x57b970b91bd540b4ca1aa82be12adbc9b769b6e978e5285b2a859bd989304e9a"),
    ])
    func `an array of structs is hashed by its elements (V4 L2.3)`(maxima: [UInt256], digest: String) {
        let entry = "ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"
        let entryType = EIP712.typeHash(entry)
        let entries = maxima.map { EIP712.structHash(entryType, [self.channelID, $0.word, UInt256(500).word]) }
        let type = EIP712.typeHash("ClaimBatch(ClaimEntry[] claims)" + entry)
        let hash = EIP712.structHash(type, [EIP712.hash(array: entries)])
        #expect(EIP712.digest(self.batch, hash).description == digest)
    }

    @Test func `strings are hashed as they are (C8, C9)`() {
        let offerType = EIP712.typeHash(
            "Offer(uint256 version,string resourceUrl,string scheme,string network,string asset,string payTo,string amount,"
                + "uint256 validUntil)"
        )
        #expect(offerType == word("0x85143d3249b5e62ed5edd3d59a352d4e1181c775ff4f762f9c8a617f6bf1e97d"))
        let texts = [
            "https://api.example.com/premium-data", "exact", "eip155:84532", usdc.description, payTo.description, "10000",
        ]
        let offer = [UInt256(1).word] + texts.map { EIP712.hash($0) } + [UInt256(1_703_123_516).word]
        let offerDigest = EIP712.digest(
            EIP712.Domain(name: "x402 offer", version: "1", chainID: 1),
            EIP712.structHash(offerType, offer)
        )
        #expect(offerDigest == word("0xba389fe85eed31a8d073937925e51f0161a57a9e1a8a08692aa64ec6bc5b2006"))

        let receiptType = EIP712.typeHash(
            "Receipt(uint256 version,string network,string resourceUrl,string payer,uint256 issuedAt,string transaction)"
        )
        #expect(receiptType == word("0x616944bc4bb51b3d5fcbba8c559f76d57a93ac1e0d6659f1abbe95f92300c06f"))
        let receipt = [
            UInt256(1).word, EIP712.hash("eip155:84532"), EIP712.hash(texts[0]), EIP712.hash(signer.address.description),
            UInt256(1_703_123_460).word, EIP712.hash(""),
        ]
        let receiptDigest = EIP712.digest(
            EIP712.Domain(name: "x402 receipt", version: "1", chainID: 1),
            EIP712.structHash(receiptType, receipt)
        )
        #expect(receiptDigest == word("0x31f6360c1c4d0bdda1eecc48cc66aa8d096999c0cfa2231eed935479227c5c24"))
    }

    @Test func `bytes within bytes are encoded and decoded (V4 L2.7, L2.8)`() throws {
        let permit = ABI.encode([
            .integer(1_000_000), .integer(1_750_000_000), .integer(27), .word(repeated(0x22)), .word(repeated(0x33)),
        ])
        let values: [ABI.Value] = [
            .integer(42), .integer(1_800_000_000), .bytes([UInt8](repeating: 0x44, count: 65)), .bytes(permit),
        ]
        let expected =
            "000000000000000000000000000000000000000000000000000000000000002a"
            + "000000000000000000000000000000000000000000000000000000006b49d200"
            + "0000000000000000000000000000000000000000000000000000000000000080"
            + "0000000000000000000000000000000000000000000000000000000000000100"
            + "0000000000000000000000000000000000000000000000000000000000000041"
            + "4444444444444444444444444444444444444444444444444444444444444444"
            + "4444444444444444444444444444444444444444444444444444444444444444"
            + "4400000000000000000000000000000000000000000000000000000000000000"
            + "00000000000000000000000000000000000000000000000000000000000000a0"
            + "00000000000000000000000000000000000000000000000000000000000f4240"
            + "00000000000000000000000000000000000000000000000000000000684ee180"
            + "000000000000000000000000000000000000000000000000000000000000001b"
            + "2222222222222222222222222222222222222222222222222222222222222222"
            + "3333333333333333333333333333333333333333333333333333333333333333"
        #expect(Hex.encode(ABI.encode(values)) == expected)
        #expect(try ABI.decodeCanonical([.word, .word, .bytes, .bytes], from: bytes(expected)) == values)
    }

    /// `settle` of the upto proxy.
    @Test func `a call with a tuple of three members is encoded (C3)`() {
        let signature = bytes(
            "0x785d301cdd811508c72acd9f0486aa45d75fc4d0a70e0ebdb259d17124e9c9de"
                + "6192f52408b8e7d7c70ee63c32ecd9a2ddab7bb76e68bfc9066608f868d0747c1b"
        )
        let facilitator = Address(hex: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")!
        let calldata = ABI.encodeCall(
            ABI.selector("settle(((address,uint256),uint256,uint256),uint256,address,(address,address,uint256),bytes)"),
            [
                .tuple([.tuple([.address(usdc), .integer(10000)]), .integer(12345), .integer(2_000_000_000)]),
                .integer(7000),
                .address(signer.address),
                .tuple([.address(payTo), .address(facilitator), .integer(0)]),
                .bytes(signature),
            ]
        )
        #expect(calldata.count == 452)
        #expect(Keccak256.hash(calldata) == word("0xabab5a958440fc696cf63f1d152872b8df75ea3d7531cfe2c11a5a8a09161d17"))
    }
}
