// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct PaymentLinkTests {
    typealias Link = TransferProof.PaymentLink

    static let start = "ethereum:\(Sample.usdc)@84532/transfer?address=\(Sample.payee)&uint256="

    @Test func `a link is ERC-681's and comes back`() throws {
        let link = try #require(Link(asset: Sample.usdc, chainID: 84532, recipient: Sample.payee, amount: 10_042))
        #expect(link.description == Self.start + "10042")
        #expect(Link(parsing: link.description) == link)
        #expect(Link(parsing: "ethereum:pay-" + link.description.dropFirst(9)) == link)
        let lower = try #require(Link(parsing: link.description.lowercased()))
        #expect(lower != link && lower.agrees(with: link))
        #expect(Link(asset: "usdc.eth", chainID: 84532, recipient: Sample.payee, amount: 1) == nil)
        #expect(Link(asset: Sample.usdc, chainID: 0, recipient: Sample.payee, amount: 1) == nil)
    }

    static let amounts: [(String, String)] = [
        ("0", "0"), ("1", "1"), ("1e6", "1000000"), ("1.5e6", "1500000"), ("0.5e1", "5"), ("1.50e2", "150"), ("0.0e1", "0"),
        ("1e0", "1"), ("1e77", "1" + String(repeating: "0", count: 77)), (UInt256.max.description, UInt256.max.description),
    ]

    @Test(arguments: amounts)
    func `an amount may have a fraction and an exponent`(text: String, amount: String) throws {
        #expect(Link(parsing: Self.start + text)?.amount == UInt256(decimal: amount))
    }

    @Test(arguments: [
        "", "-1", "+1", "1.5", "1.55e1", ".5e1", "1.e1", "1e", "1e-1", "1e+1", "1E6", "1e78", "1e99999999999999999999", "e1",
        "01", "00",
        "01e1", "0x1", "1_0", "1 ", "1&gas=1", "1#", "1e1e1", "1.1.1e9", "a", "1e77777", "9e77",
    ])
    func `an amount that is not whole, or is none, is refused`(text: String) {
        #expect(Link(parsing: Self.start + text) == nil)
    }

    @Test(arguments: [
        "", "ethereum:", "bitcoin:1", "ethereum:\(Sample.usdc)", "ethereum:\(Sample.usdc)@84532",
        "ethereum:\(Sample.payee)?value=1", "ethereum:\(Sample.usdc)/transfer?address=\(Sample.payee)&uint256=1",
        "ethereum:usdc.eth@1/transfer?address=\(Sample.payee)&uint256=1",
        "ethereum:\(Sample.usdc)@1/transfer?address=payee.eth&uint256=1",
        "ethereum:\(Sample.usdc)@1/approve?address=\(Sample.payee)&uint256=1",
        "ethereum:\(Sample.usdc)@1/transfer?uint256=1&address=\(Sample.payee)",
        "ethereum:\(Sample.usdc)@1/transfer?address=\(Sample.payee)",
        "ethereum:\(Sample.usdc)@1/transfer?address=\(Sample.payee)&address=\(Sample.payee)&uint256=1",
        "ethereum:\(Sample.usdc)@1/transfer?address=\(Sample.payee)&uint256=1&uint256=1",
        "ethereum:\(Sample.usdc)@01/transfer?address=\(Sample.payee)&uint256=1",
        "ethereum:\(Sample.usdc)@0/transfer?address=\(Sample.payee)&uint256=1",
        "ethereum:\(Sample.usdc)@0x1/transfer?address=\(Sample.payee)&uint256=1",
        "ethereum:\(Sample.usdc)@/transfer?address=\(Sample.payee)&uint256=1",
        "ETHEREUM:\(Sample.usdc)@1/transfer?address=\(Sample.payee)&uint256=1",
        "ethereum:\(Sample.usdc)@1/transfer?address=%30x\(Sample.payee.dropFirst(2))&uint256=1",
        "ethereum:\(Sample.usdc)@1/transfer?address=\(Sample.payee)\r\n&uint256=1",
        "ethereum:\(Sample.usdc)@1/transfer?address=\(Sample.payee)&uint256=1" + String(repeating: " ", count: 500),
    ])
    func `what is no transfer of a token with everything said is refused`(text: String) {
        #expect(Link(parsing: text) == nil)
    }
}
