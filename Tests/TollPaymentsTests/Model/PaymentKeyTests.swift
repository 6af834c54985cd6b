// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

/// One authorization has one name, and no two have the same.
@Suite struct PaymentKeyTests {
    static let key = SamplePayment.claim(1).key

    @Test func `the case of hexadecimal text makes no other payment`() {
        let shouted = PaymentKey(
            network: Self.key.network,
            asset: SamplePayment.asset.address.uppercased(),
            payer: SamplePayment.payer.uppercased(),
            nonce: SamplePayment.nonce(1).uppercased()
        )
        #expect(shouted == Self.key)
        #expect(shouted.id == Self.key.id)
    }

    @Test func `each part of the key makes another payment`() {
        let chain = ChainID(eip155: 8_453)
        let variants = [
            Self.key, PaymentKey(network: chain, asset: Self.key.asset, payer: Self.key.payer, nonce: Self.key.nonce),
            PaymentKey(network: Self.key.network, asset: "0x01", payer: Self.key.payer, nonce: Self.key.nonce),
            PaymentKey(network: Self.key.network, asset: Self.key.asset, payer: "0x01", nonce: Self.key.nonce),
            PaymentKey(network: Self.key.network, asset: Self.key.asset, payer: Self.key.payer, nonce: "0x01"),
        ]
        #expect(Set(variants.map(\.id)).count == variants.count)
    }

    @Test func `only what the chain makes unique counts`() {
        let claim = SamplePayment.claim(1, dialect: "x402", payload: ["a": 1], request: "GET /a", challenge: "a", amount: 1)
        let other = SamplePayment.claim(1, dialect: "x402-v1", payload: ["b": 2], request: "GET /b", challenge: nil, amount: 2)
        #expect(claim != other)
        #expect(claim.id == other.id)
    }

    @Test func `a name is 64 lower-case digits and reads back`() throws {
        let text = Self.key.id.description
        #expect(text.utf8.count == 64)
        #expect(text == text.lowercased())
        #expect(PaymentID(text) == Self.key.id)
        #expect(PaymentID(text.uppercased()) == Self.key.id)
    }

    @Test(arguments: [
        "", "0x" + String(repeating: "0", count: 62), String(repeating: "0", count: 63), String(repeating: "g", count: 64),
    ])
    func `what is no name is refused`(text: String) {
        #expect(PaymentID(text) == nil)
    }
}
