// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPrimitives

struct ContractTests {
    /// x402-wire §4.2.
    @Test(arguments: selectors)
    func `selectors are the published ones`(selector: [UInt8], hex: String) {
        #expect(Hex.encode(selector) == hex)
    }

    @Test func `topics are the published ones`() {
        #expect(ERC20.transferTopic == word("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"))
        #expect(EIP3009.authorizationUsedTopic == word("0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5"))
    }

    @Test func `a transfer's log is read, and an NFT's is not`() {
        let topics = [ERC20.transferTopic, signer.address.word, payTo.word]
        let log = Log(address: usdc, topics: topics, data: UInt256(10000).word.bytes)
        #expect(ERC20.Transfer(log) == ERC20.Transfer(token: usdc, from: signer.address, to: payTo, value: 10000))
        #expect(ERC20.Transfer(Log(address: usdc, topics: topics + [.zero], data: [])) == nil)
        #expect(ERC20.Transfer(Log(address: usdc, topics: topics, data: [])) == nil)
        #expect(ERC20.Transfer(Log(address: usdc, topics: [repeated(1)] + topics.dropFirst(), data: log.data)) == nil)
        #expect(ERC20.Transfer(Log(address: usdc, topics: [topics[0], repeated(1), topics[2]], data: log.data)) == nil)
    }

    @Test func `what a call returned is read, and nothing where there is no contract`() {
        #expect(ABI.integer(returned: UInt256(6).word.bytes) == 6)
        #expect(ABI.string(returned: ABI.encode([.string("USD Coin")])) == "USD Coin")
        #expect(ABI.integer(returned: []) == nil)
        #expect(ABI.word(returned: [1]) == nil)
        #expect(ABI.string(returned: []) == nil)
        #expect(ABI.string(returned: ABI.encode([.bytes([0xFF])])) == nil)
    }

    // MARK: Contract signatures

    @Test(arguments: [
        ("0x", AccountCode.none),
        ("0xef0100036cbd53842c5426634e7929541ec2318f3dcf7e", .delegated(to: usdc)),
        ("0xef0100036cbd53842c5426634e7929541ec2318f3dcf", .contract),
        ("0xef0101036cbd53842c5426634e7929541ec2318f3dcf7e", .contract),
        ("0xef0100", .contract),
        ("0x6001", .contract),
    ])
    func `an account is told by its code`(code: String, kind: AccountCode) {
        #expect(AccountCode(bytes(code)) == kind)
    }

    @Test func `ERC-1271 is asked, and only its magic means yes`() {
        let calldata = ERC1271.calldata(digest: repeated(1), signature: [2])
        let expected =
            "1626ba7e" + Hex.encode(repeated(1).bytes)
            + "0000000000000000000000000000000000000000000000000000000000000040"
            + "0000000000000000000000000000000000000000000000000000000000000001"
            + "0200000000000000000000000000000000000000000000000000000000000000"
        #expect(Hex.encode(calldata) == expected)
        let zeros = String(repeating: "0", count: 56)
        #expect(ERC1271.isValid(returned: bytes("0x1626ba7e" + zeros)))
        #expect(!ERC1271.isValid(returned: bytes("0x1626ba7e")))
        #expect(!ERC1271.isValid(returned: bytes("0x1626ba7e" + zeros.dropLast() + "1")))
        #expect(!ERC1271.isValid(returned: bytes("0xffffffff" + zeros)))
        #expect(!ERC1271.isValid(returned: bytes("0x" + zeros + "1626ba7e")))
        #expect(!ERC1271.isValid(returned: []))
    }

    /// x402-wire V8.
    @Test func `ERC-6492 is unwrapped`() throws {
        let signature = try #require(ERC6492Signature(bytes(wrapped)))
        #expect(signature.factory == Multicall3.address)
        #expect(signature.factoryCalldata == bytes("0xdeadbeef"))
        #expect(signature.signature == [UInt8](repeating: 0xAB, count: 65))
        #expect(ERC6492Signature.isWrapped(bytes(wrapped)))
    }

    @Test func `a plain signature is not wrapped`() {
        #expect(!ERC6492Signature.isWrapped([UInt8](repeating: 0xAB, count: 65)))
        #expect(!ERC6492Signature.isWrapped([]))
        #expect(!ERC6492Signature.isWrapped(Array(bytes(wrapped).dropLast())))
        #expect(ERC6492Signature([UInt8](repeating: 0xAB, count: 65)) == nil)
    }

    @Test(arguments: [
        // The suffix alone, a byte cut, an offset moved, dirty padding, a word of 21 bytes as factory.
        (0..<288, ""), (0..<1, ""), (95..<96, "80"), (287..<288, "01"), (11..<12, "01"),
    ])
    func `what is wrapped but malformed is refused, not taken for plain`(range: Range<Int>, replacement: String) {
        var altered = bytes(wrapped)
        altered.replaceSubrange(range, with: bytes(replacement))
        #expect(ERC6492Signature.isWrapped(altered))
        #expect(ERC6492Signature(altered) == nil)
    }

    // MARK: Multicall3

    @Test func `calls are aggregated`() throws {
        let calls = [
            Multicall3.Call(target: usdc, data: ERC20.name),
            Multicall3.Call(target: payTo, data: [], mayFail: false),
        ]
        let tried = Multicall3.tryAggregate(calls)
        #expect(
            try ABI.decodeCanonical([.word, .array(.tuple([.word, .bytes]))], from: Array(tried.dropFirst(4)))
                == [
                    .bool(false),
                    .array([.tuple([.address(usdc), .bytes(ERC20.name)]), .tuple([.address(payTo), .bytes([])])]),
                ]
        )
        let aggregated = Multicall3.aggregate3(calls)
        #expect(
            try ABI.decodeCanonical([.array(.tuple([.word, .word, .bytes]))], from: Array(aggregated.dropFirst(4)))
                == [
                    .array([
                        .tuple([.address(usdc), .bool(true), .bytes(ERC20.name)]),
                        .tuple([.address(payTo), .bool(false), .bytes([])]),
                    ])
                ]
        )
        #expect(Hex.encode(tried.prefix(4)) == "bce38bd7")
        #expect(Hex.encode(aggregated.prefix(4)) == "82ad56cb")
    }

    @Test func `outcomes are read`() {
        let returned = ABI.encode([.array([.tuple([.bool(true), .bytes([1])]), .tuple([.bool(false), .bytes([])])])])
        let outcomes = [
            Multicall3.Outcome(succeeded: true, returned: [1]), Multicall3.Outcome(succeeded: false, returned: []),
        ]
        #expect(Multicall3.outcomes(returned: returned, count: 2) == outcomes)
        #expect(Multicall3.outcomes(returned: returned, count: 3) == nil)
        #expect(Multicall3.outcomes(returned: [], count: 2) == nil)
        let odd = ABI.encode([.array([.tuple([.integer(2), .bytes([1])])])])
        #expect(Multicall3.outcomes(returned: odd, count: 1) == nil)
    }
}

private let selectors: [([UInt8], String)] = [
    (EIP3009.transferSelector, "e3ee160e"),
    (EIP3009.transferWithBytesSelector, "cf092995"),
    (EIP3009.receiveSelector, "ef55bec6"),
    (EIP3009.receiveWithBytesSelector, "88b7ab63"),
    (Array(EIP3009.authorizationStateCalldata(authorizer: usdc, nonce: .zero).prefix(4)), "e94a0102"),
    (Array(ERC20.balance(of: usdc).prefix(4)), "70a08231"),
    (Array(ERC20.allowance(owner: usdc, spender: payTo).prefix(4)), "dd62ed3e"),
    (Array(ERC20.approve(spender: usdc, value: 1).prefix(4)), "095ea7b3"),
    (Array(ERC20.transfer(to: usdc, value: 1).prefix(4)), "a9059cbb"),
    (ERC20.name, "06fdde03"),
    (ERC20.version, "54fd4d50"),
    (ERC20.decimals, "313ce567"),
    (ERC20.symbol, "95d89b41"),
    (ERC20.domainSeparator, "3644e515"),
    (Array(EIP2612.noncesCalldata(owner: usdc).prefix(4)), "7ecebe00"),
    (EIP2612.permitSelector, "d505accf"),
    (ERC1271.magic, "1626ba7e"),
    (
        ABI.selector("settle(((address,uint256),uint256,uint256),uint256,address,(address,address,uint256),bytes)"),
        "ff11e7b4"
    ),
    (ABI.selector("redeemDelegations(bytes[],bytes32[],bytes[])"), "cef6d209"),
    (ABI.selector("PaymentTooEarly()"), "a65539fa"),
    (ABI.selector("SignatureExpired(uint256)"), "cd21db4f"),
]

private let wrapped =
    "0x000000000000000000000000ca11bde05977b3631167028862be2a173976ca11"
    + "0000000000000000000000000000000000000000000000000000000000000060"
    + "00000000000000000000000000000000000000000000000000000000000000a0"
    + "0000000000000000000000000000000000000000000000000000000000000004"
    + "deadbeef00000000000000000000000000000000000000000000000000000000"
    + "0000000000000000000000000000000000000000000000000000000000000041"
    + "abababababababababababababababababababababababababababababababab"
    + "abababababababababababababababababababababababababababababababab"
    + "ab00000000000000000000000000000000000000000000000000000000000000"
    + "6492649264926492649264926492649264926492649264926492649264926492"
