// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

@Suite struct EVMSignInTests {
    /// The first account of the well-known development mnemonic; its key is public.
    static let key = PrivateKey(bytes: Hex.decode("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")!)!
    static let address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

    /// Known answer: eth_account 0.13.7 over the text of the specification's sample for this account, without its expiry and
    /// resources (x402 specs/extensions/sign-in-with-x.md).
    static let known: JSONObject = [
        "domain": "api.example.com", "address": .string(address), "uri": "https://api.example.com/premium-data", "version": "1",
        "chainId": "eip155:8453", "type": "eip191", "nonce": "a1b2c3d4e5f67890a1b2c3d4e5f67890",
        "issuedAt": "2024-01-15T10:30:00.000Z", "statement": "Sign in to access premium data",
        "signature": .string(
            "0x3c959ca5b9c0b29f0f3e5cff7615f76bf1a35f31e64a070fc56c67e5414b62b4"
                + "4bd312a4f0f2c1f61c1c4347c9a026e4f0032b33fb1722ffe5a76ab571249bc11b"),
    ]
    static let digest = "0x447ecf3acfc03c4920865109cec63d8d15dc15b793a3f35a5cb2e8e568d203d3"

    static func proof(_ changes: JSONObject = [:]) throws -> X402V2.SignIn.Proof {
        var json = Self.known
        for (name, value) in changes.members { json[name] = value }
        return try X402V2.SignIn.Proof(json)
    }

    static let keysOnly = EVMSignIn(nodes: [:])

    static func reason(_ verification: SignInVerification) -> SignInRefusal.Reason? {
        if case .invalid(let refusal) = verification { refusal.reason } else { nil }
    }

    @Test func `the specification's sample, signed by another library, is valid`() async throws {
        let proof = try Self.proof()
        #expect(EIP191.digest(Array(proof.info.text(address: proof.address, chain: 8_453).utf8)).description == Self.digest)
        let account = SignedInAccount(proof, account: Self.address, onlyOn: nil)
        #expect(await Self.keysOnly.verify(proof) == .valid(account))
        #expect(account.nonce == "a1b2c3d4e5f67890a1b2c3d4e5f67890" && account.chain == ChainID(eip155: 8_453))
    }

    @Test func `a payer signs the same byte for byte`() throws {
        let signed = try #require(ExactEVMPayer(Self.key).signIn(Self.proof().info, on: ChainID(eip155: 8_453)))
        #expect(signed.json == Self.known)
        let solana = try #require(ChainID("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"))
        #expect(try ExactEVMPayer(Self.key).signIn(Self.proof().info, on: solana) == nil)
    }

    @Test(
        arguments: [
            ["statement": nil], ["statement": "Sign in to access premium data."], ["domain": "api.example.org"],
            ["uri": "https://api.example.com/premium"], ["chainId": "eip155:1"], ["nonce": "a1b2c3d4e5f67890a1b2c3d4e5f67891"],
            ["issuedAt": "2024-01-15T10:30:00Z"], ["requestId": "1"], ["resources": ["https://api.example.com"]],
            ["expirationTime": "2024-01-15T10:35:00.000Z"], ["notBefore": "2024-01-15T10:30:00.000Z"],
            ["address": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"],
            ["address": .string(address.lowercased())],  // Another text than the one that was signed.
        ] as [[String: JSON?]]
    )
    func `a text that was changed is not what was signed`(change: [String: JSON?]) async throws {
        var json = Self.known
        for (name, value) in change { json[name] = value }
        #expect(await Self.reason(Self.keysOnly.verify(try X402V2.SignIn.Proof(json))) == .signature)
    }

    @Test(
        arguments: [
            (["type": "ed25519"], .unsupportedChain),
            (["chainId": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"], .unsupportedChain),
            (["address": "0xf39fd6e51aad88F6F4ce6aB8827279cffFb92266"], .malformedSignature),
            (["address": "f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"], .malformedSignature),
            (["signature": "0x"], .malformedSignature),
            (["signature": "0x123"], .malformedSignature), (["signature": "3c95"], .malformedSignature),
            (["signature": "0x1234"], .signature),
            (["signature": .string("0x" + String(repeating: "00", count: 65))], .signature),
        ] as [(JSONObject, SignInRefusal.Reason)]
    )
    func `what cannot be right is refused with its reason`(changes: JSONObject, reason: SignInRefusal.Reason) async throws {
        #expect(await Self.reason(Self.keysOnly.verify(try Self.proof(changes))) == reason)
    }

    @Test func `a contract says itself whether it signed, on its chain alone`() async throws {
        let chain = SimulatedEVMChain(chainID: 8_453, clock: { .zero })
        let verifier = EVMSignIn(nodes: [ChainID(eip155: 8_453): chain.client()])
        let wallet = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
        let proof = try Self.proof(["address": .string(wallet), "signature": "0xabcd"])
        #expect(await Self.reason(verifier.verify(proof)) == .signature)
        let yes = Hex.encodePrefixed(ERC1271.magic + [UInt8](repeating: 0, count: 28))
        chain.setFault { method, params in
            method == "eth_call" && params.first?["to"]?.string?.lowercased() == wallet.lowercased() ? .result(.string(yes)) : nil
        }
        #expect(await verifier.verify(proof) == .valid(SignedInAccount(proof, account: wallet, onlyOn: ChainID(eip155: 8_453))))
        let elsewhere = try Self.proof(["address": .string(wallet), "signature": "0xabcd", "chainId": "eip155:1"])
        #expect(await Self.reason(verifier.verify(elsewhere)) == .signature)
        chain.setFault { _, _ in nil }
        chain.weather = .down
        guard case .unavailable = await verifier.verify(proof) else {
            Issue.record("a chain that does not answer has said nothing")
            return
        }
    }
}
