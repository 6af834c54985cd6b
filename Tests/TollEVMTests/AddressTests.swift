// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPrimitives

struct AddressTests {
    /// The examples of EIP-55.
    @Test(arguments: [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x27b1fdb04752bbc536007a920d24acb045561c26",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ])
    func `an address is written with EIP-55's checksum`(text: String) throws {
        let address = try #require(Address(hex: text))
        #expect(address.description == text)
        #expect(Address(hex: text.lowercased()) == address)
        #expect(address.lowercaseHex == text.lowercased())
    }

    @Test(arguments: [
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", Address.Checksum.valid),
        ("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", .absent),
        ("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", .absent),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", .wrong),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAec", .wrong),
        ("0x0000000000000000000000000000000000000000", .absent),
    ])
    func `the case of the letters tells typing errors`(text: String, checksum: Address.Checksum) {
        #expect(Address.parse(text)?.checksum == checksum)
    }

    @Test(arguments: [
        "", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed00",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", " 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    ])
    func `anything else is no address`(text: String) {
        #expect(Address(hex: text) == nil)
        #expect(Address.parse(text) == nil)
    }

    @Test func `a key's address is the end of its hash`() {
        #expect(signer.address.description == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
        #expect(Address(signer.publicKey) == signer.address)
    }

    @Test func `a word with anything above twenty bytes is no address`() {
        #expect(Address(signer.address.word) == signer.address)
        #expect(Address(word("0x000000000000000000000001f39fd6e51aad88f6f4ce6ab8827279cfffb92266")) == nil)
        #expect(Address([UInt8](repeating: 0, count: 19)) == nil)
        #expect(Address([UInt8](repeating: 0, count: 20)) == .zero)
    }
}
