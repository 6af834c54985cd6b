// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPrimitives

/// Known answers of x402-wire §11.
struct EIP3009Tests {
    @Test func `the sample of the x402 specification recovers to its payer`() throws {
        let authorization = EIP3009.Authorization(
            from: Address(hex: "0x857b06519E91e3A54538791bDbb0E22373e36b66")!,
            to: payTo,
            value: 10000,
            validAfter: 1_740_672_089,
            validBefore: 1_740_672_154,
            nonce: word("0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480")
        )
        let digest = authorization.digest(usdcDomain)
        #expect(digest == word("0xf256992871671abcb27ff92885a7afa46218724e5fc0bac35d050115aa1d22e6"))
        let signature = try #require(
            RecoverableSignature(
                bytes: bytes(
                    "0x2d6a7588d6acca505cbf0d9a4a227e0c52c6c34008c8e8986a1283259764173608"
                        + "a2ce6496642e377d6da8dbbf5836e9bd15092f9ecab05ded3d6293af148b571c"
                )
            )
        )
        #expect(try signature.signer(of: digest) == authorization.from)
        let altered = EIP3009.Authorization(
            from: authorization.from,
            to: payTo,
            value: 10001,
            validAfter: authorization.validAfter,
            validBefore: authorization.validBefore,
            nonce: authorization.nonce
        )
        #expect(try signature.signer(of: altered.digest(usdcDomain)) != authorization.from)
    }

    @Test func `an authorization is signed and encoded for both overloads`() throws {
        let digest = sample.digest(usdcDomain)
        let signature = signer.sign(digest: digest)
        #expect(digest == word("0x9463733381163334737e8f22a9835562080a04c587d75f564ae31d4b03d8e193"))
        #expect(
            signature.description
                == "0xbf0581d092290bf016ae3825fa212bf684d22e5a3fa9805c78b38dd5accdd84d"
                + "77e7f02d26bdbc197d3bbda8c9bae796bddb2d427212fd8073f14407e42792df1b"
        )
        let calldata =
            "e3ee160e"
            + "000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
            + "000000000000000000000000209693bc6afc0c5328ba36faf03c514ef312287c"
            + "0000000000000000000000000000000000000000000000000000000000002710"
            + "0000000000000000000000000000000000000000000000000000000000000000"
            + "0000000000000000000000000000000000000000000000000000000077359400"
            + "1111111111111111111111111111111111111111111111111111111111111111"
            + "000000000000000000000000000000000000000000000000000000000000001b"
            + "bf0581d092290bf016ae3825fa212bf684d22e5a3fa9805c78b38dd5accdd84d"
            + "77e7f02d26bdbc197d3bbda8c9bae796bddb2d427212fd8073f14407e42792df"
        #expect(Hex.encode(sample.calldata(signature: signature)) == calldata)
        let overload = sample.calldata(signature: signature.bytes)
        #expect(overload.count == 356)
        #expect(Keccak256.hash(overload) == word("0x8297d8ad081aac75c91ba10e7b2655262c2eb9fba599d82a63eb95cdca5431ed"))
    }

    @Test func `what only the recipient may send has another digest`() {
        let authorization = EIP3009.Authorization(
            from: signer.address,
            to: Address(hex: "0x4020806089470a89826cB9fB1f4059150b550004")!,
            value: 100_000,
            validAfter: 0,
            validBefore: 2_000_000_000,
            nonce: word("0x6b66a7978360c7b151cde7669d47d6efaa6460562ebc5fee5733d76f60059505")
        )
        let digest = authorization.receiveDigest(usdcDomain)
        #expect(digest == word("0x6dc839e35a84542cb34e06283e8395fbcd4e22360fe774dfa18ed2c749252a46"))
        #expect(
            signer.sign(digest: digest).description
                == "0x644848ebda897c7c4bbb4c9fac3a1469ef5e4633078f66b272da213133d7108c"
                + "415f81cd51002540eaeb7b3c7c6c7b8c09aeb7a7dea54052dfebc29773b2061c1b"
        )
    }

    @Test func `a permit is signed as EIP-2612 says`() {
        let permit = EIP2612.Permit(owner: signer.address, spender: permit2, value: 10000, nonce: 0, deadline: 2_000_000_000)
        let digest = permit.digest(usdcDomain)
        #expect(digest == word("0x5423aa5186c09d9013d5e27618a17a530fa44c5260fef9bd51bf439bfb787e41"))
        let signature = signer.sign(digest: digest)
        #expect(
            signature.description
                == "0x747f8cc2176c333e813118ab1581dac6c205a7df66c3dd766bcc99accf887772"
                + "506f1046e52ec09c73f35bc513f6e027b7b79750a2a0d820919850bf844556851b"
        )
        #expect(permit.calldata(signature: signature).count == 4 + 7 * 32)
    }

    @Test(arguments: [
        (
            Address(hex: "0x402085c248EeA27D92E8b30b2C58ed07f9E20001")!, exactWitness, [payTo.word, Bytes32.zero],
            "0xd97bf72a74f51709950cd77596bb6122ef444de6e22d3696123945b9370a9d31"
        ),
        (
            Address(hex: "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002")!, uptoWitness,
            [payTo.word, Address(hex: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")!.word, .zero],
            "0x1bef82ebc5a83b4fe5b5d9d0cc97388a4768de47c8f2239e4267cb5f8681ad33"
        ),
    ])
    func `Permit2 transfers bind their witness`(spender: Address, type: String, members: [Bytes32], digest: String) {
        let transfer = Permit2.WitnessTransfer(
            token: usdc,
            amount: 10000,
            spender: spender,
            nonce: 12345,
            deadline: 2_000_000_000
        )
        let witness = EIP712.structHash(EIP712.typeHash(type), members)
        #expect(transfer.digest(chainID: 84532, witnessType: type, witness: witness).description == digest)
    }

    /// x402-wire C2: `settle` of the exact proxy, nested tuples and bytes.
    @Test func `a call with nested tuples and bytes is encoded`() {
        let signature = bytes(
            "0x5ace9520e414a2d459771fe7d0c84e82141a98d5f2cdeca00242fbb2e0d7247f"
                + "553de583c8c36bd604ccbdda164fe845b966c7e108c01a30888186186227f02f1b"
        )
        let selector = ABI.selector("settle(((address,uint256),uint256,uint256),address,(address,uint256),bytes)")
        let calldata = ABI.encodeCall(
            selector,
            [
                .tuple([.tuple([.address(usdc), .integer(10000)]), .integer(12345), .integer(2_000_000_000)]),
                .address(signer.address),
                .tuple([.address(payTo), .integer(0)]),
                .bytes(signature),
            ]
        )
        #expect(Hex.encode(selector) == "13cd3b53")
        #expect(calldata.count == 388)
        #expect(Keccak256.hash(calldata) == word("0x285d8c45c06e957edcab715ccb6230a449cbc1001e97353fed14c6c5fa5fa5a6"))
    }
}

private let sample = EIP3009.Authorization(
    from: signer.address,
    to: payTo,
    value: 10000,
    validAfter: 0,
    validBefore: 2_000_000_000,
    nonce: repeated(0x11)
)
