// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPrimitives

struct EIP712Tests {
    /// The example of EIP-712, signed with the key keccak("cow").
    @Test func `Ether Mail has the digest and the signature of the standard's example`() throws {
        let domain = EIP712.Domain(
            name: "Ether Mail",
            version: "1",
            chainID: 1,
            verifyingContract: Address(hex: "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC")
        )
        let personType = EIP712.typeHash("Person(string name,address wallet)")
        let mailType = EIP712.typeHash("Mail(Person from,Person to,string contents)Person(string name,address wallet)")
        let cow = try #require(Address(hex: "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"))
        let bob = try #require(Address(hex: "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"))
        let mail = EIP712.structHash(
            mailType,
            [
                EIP712.structHash(personType, [EIP712.hash("Cow"), cow.word]),
                EIP712.structHash(personType, [EIP712.hash("Bob"), bob.word]),
                EIP712.hash("Hello, Bob!"),
            ]
        )
        #expect(domain.separator == word("0xf2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f"))
        #expect(mail == word("0xc52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e"))
        let digest = EIP712.digest(domain, mail)
        #expect(digest == word("0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"))
        let key = try #require(PrivateKey(bytes: Keccak256.hash(text: "cow").bytes))
        let signature = key.sign(digest: digest)
        #expect(key.address == cow)
        #expect(signature.v == 28)
        #expect(signature.r == word("0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"))
        #expect(signature.s == word("0x07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"))
    }

    /// x402-wire §11: V1's and Permit2's separators on Base Sepolia, and domains without a contract.
    @Test(arguments: [
        (usdcDomain, "0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818"),
        (permit2Domain, "0x010f27a92fb9a32622f44f001dc4d15706a85b33499cfc2ce9033113ab26592c"),
        (
            EIP712.Domain(
                name: "x402 Batch Settlement",
                version: "1",
                chainID: 84532,
                verifyingContract: Address(hex: "0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003")
            ),
            "0xfdef80764086b1e0fc6ba99f0cb9aa1d59109fda7c23d60334c89d2de44dffce"
        ),
        (
            EIP712.Domain(name: "x402 offer", version: "1", chainID: 1),
            "0x5dc92544087ab60aa57c539b9543f9282416b0dcf2c2ae0d4d0051052a9e61b6"
        ),
        (
            EIP712.Domain(name: "x402 receipt", version: "1", chainID: 1),
            "0xfd7f8c81cdd24b25c99ba22e191cee41d8809abbc12e8fdbd42fddfa5bb9e406"
        ),
    ])
    func `a domain's type has only the members it has`(domain: EIP712.Domain, separator: String) {
        #expect(domain.separator.description == separator)
    }

    /// x402-wire §4.2, §4.5, §6.1, §6.2, §11 V14.
    @Test(arguments: [
        (EIP3009.transferTypeHash, "0x7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267"),
        (EIP3009.receiveTypeHash, "0xd099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8"),
        (EIP2612.permitTypeHash, "0x6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9"),
        (Permit2.tokenPermissionsTypeHash, "0x618358ac3db8dc274f0cd8829da7e234bd48cd73c4a740aede1adec9846d06a1"),
        (
            Permit2.witnessTransferTypeHash(witnessType: exactWitness),
            "0xebc156cd23678a74c94df13d772ef5478420637f0c94bd10d509e1dc98f521c7"
        ),
        (
            Permit2.witnessTransferTypeHash(witnessType: uptoWitness),
            "0x51dff6974ad4388c499e7fcfe838d2bd767162553a144098ce20ea661d70c2ee"
        ),
        (
            Permit2.witnessTransferTypeHash(witnessType: "DepositWitness(bytes32 channelId)"),
            "0x436a25c01a21a6ed025816c4c9ea3d6132aa879dd7ef16f6188dd3b0aebccc52"
        ),
        (EIP712.typeHash(exactWitness), "0xd97b3239a7f32295517bd14cb074edfdd188dfe5eb42f802bb26d4fd1eb12c37"),
        (EIP712.typeHash(uptoWitness), "0xd4171c445a74218b01d4fd8af34ff1106580ea1e36ff837e64484bfaa2253b75"),
        (
            EIP712.typeHash("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            "0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f"
        ),
        (
            EIP712.typeHash("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
            "0x8cad95687ba82c2ce50e74f7b754645e5117c3a5bec8151c0726d5857980a866"
        ),
    ])
    func `type hashes are the published ones`(hash: Bytes32, expected: String) {
        #expect(hash.description == expected)
    }

    /// x402-wire C10: a sign-in message.
    @Test func `text is signed as wallets sign it`() throws {
        let message = """
            api.example.com wants you to sign in with your Ethereum account:
            0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266

            Sign in to access premium data

            URI: https://api.example.com/premium-data
            Version: 1
            Chain ID: 8453
            Nonce: a1b2c3d4e5f67890a1b2c3d4e5f67890
            Issued At: 2024-01-15T10:30:00.000Z
            """
        let digest = EIP191.digest(Array(message.utf8))
        #expect(digest == word("0x447ecf3acfc03c4920865109cec63d8d15dc15b793a3f35a5cb2e8e568d203d3"))
        let signature =
            "0x3c959ca5b9c0b29f0f3e5cff7615f76bf1a35f31e64a070fc56c67e5414b62b4"
            + "4bd312a4f0f2c1f61c1c4347c9a026e4f0032b33fb1722ffe5a76ab571249bc11b"
        #expect(signer.sign(digest: digest).description == signature)
    }
}

let exactWitness = "Witness(address to,uint256 validAfter)"
let uptoWitness = "Witness(address to,address facilitator,uint256 validAfter)"
