// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol

@Suite struct SignInExpectationTests {
    static let now: Int64 = 1_800_000_000  // 2027-01-15T08:00:00Z
    static let expectation = SignInExpectation(Origin(scheme: .https, host: "api.example", port: 8443))

    static func proof(_ changes: JSONObject = [:]) throws -> X402V2.SignIn.Proof {
        var json: JSONObject = [
            "domain": "api.example:8443", "address": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "uri": "https://api.example:8443/paid/1", "version": "1", "chainId": "eip155:8453", "type": "eip191",
            "nonce": "a1b2c3d4e5f67890a1b2c3d4e5f67890", "issuedAt": "2027-01-15T08:00:00.000Z", "signature": "0x12",
        ]
        for (name, value) in changes.members { json[name] = value }
        return try X402V2.SignIn.Proof(json)
    }

    @Test(
        arguments: [
            [:], ["uri": "https://api.example:8443/elsewhere?x=1"], ["uri": "HTTPS://API.example:8443"],
            ["issuedAt": "2027-01-15T07:55:00Z"], ["issuedAt": "2027-01-15T08:00:30Z"], ["issuedAt": "2027-01-15T09:00:00+01:00"],
            ["expirationTime": "2027-01-15T08:00:00Z"], ["notBefore": "2027-01-15T08:00:00Z"],
        ] as [JSONObject]
    )
    func `a sign-in to us and of now is one`(changes: JSONObject) throws {
        #expect(try Self.expectation.objection(to: Self.proof(changes), at: Self.now) == nil)
    }

    @Test(
        arguments: [
            (["domain": "api.example"], .domain), (["domain": "evil.example:8443"], .domain),
            (["domain": "API.EXAMPLE:8443"], .domain),
            (["uri": "https://api.example/paid/1"], .uri), (["uri": "http://api.example:8443/paid/1"], .uri),
            (["uri": "https://evil.example:8443/paid/1"], .uri), (["uri": "urn:paid"], .uri),
            (["uri": "https://api.example:8443@evil.example/"], .uri),
            (["issuedAt": "2027-01-15T07:54:59.999Z"], .tooOld), (["issuedAt": "1970-01-01T00:00:00Z"], .tooOld),
            (["issuedAt": "2027-01-15T08:00:30.001Z"], .inFuture), (["issuedAt": "9999-01-01T00:00:00Z"], .inFuture),
            (["expirationTime": "2027-01-15T07:59:59.999Z"], .expired), (["notBefore": "2027-01-15T08:00:00.001Z"], .notYetValid),
        ] as [(JSONObject, SignInRefusal.Reason)]
    )
    func `another is refused with its reason`(changes: JSONObject, reason: SignInRefusal.Reason) throws {
        #expect(try Self.expectation.objection(to: Self.proof(changes), at: Self.now)?.reason == reason)
    }

    @Test func `a key is the payer on every chain of its kind, a contract on its own`() throws {
        let proof = try Self.proof()
        let key = SignedInAccount(proof, account: proof.address, onlyOn: nil)
        let contract = SignedInAccount(proof, account: proof.address, onlyOn: proof.chain)
        func paid(_ network: ChainID, _ payer: String) -> PaymentKey {
            PaymentKey(network: network, asset: "0x1", payer: payer, nonce: "1")
        }
        #expect(key.isPayer(of: paid(ChainID(eip155: 8_453), proof.address)))
        #expect(key.isPayer(of: paid(ChainID(eip155: 1), proof.address)))
        #expect(contract.isPayer(of: paid(ChainID(eip155: 8_453), proof.address)))
        #expect(!contract.isPayer(of: paid(ChainID(eip155: 1), proof.address)))
        #expect(!key.isPayer(of: paid(ChainID(eip155: 8_453), "0x" + String(repeating: "1", count: 40))))
        let solana = try #require(ChainID("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"))
        #expect(!key.isPayer(of: paid(solana, proof.address)))
    }
}
