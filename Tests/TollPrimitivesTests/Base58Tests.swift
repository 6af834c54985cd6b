// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

struct Base58Tests {
    /// Bitcoin Core, src/test/data/base58_encode_decode.json.
    static let known = [
        ("", ""), ("61", "2g"), ("626262", "a3gV"), ("636363", "aPEr"),
        ("73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"),
        ("00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"),
        ("516b6fcd0f", "ABnLTmg"), ("bf4f89001e670274dd", "3SEo3LWLoPntC"), ("572e4794", "3EFU7m"),
        ("ecac89cad93923c02321", "EJDM8drfXA6uyA"), ("10c8511e", "Rt5zm"), ("00000000000000000000", "1111111111"),
    ]

    @Test(arguments: known)
    func `Base58 is Bitcoin Core's`(hex: String, text: String) throws {
        let bytes = try #require(Hex.decode(hex))
        #expect(Base58.encode(bytes) == text)
        #expect(Base58.decode(text) == bytes)
    }

    @Test(arguments: ["0", "O", "I", "l", "2g ", " 2g", "2g\n", "é", "a-b"])
    func `a character outside of the alphabet is refused`(text: String) {
        #expect(Base58.decode(text) == nil)
    }

    @Test func `a text beyond the limit is not decoded`() {
        let longest = String(repeating: "1", count: Base58.textSizeMax)
        #expect(Base58.decode(longest)?.count == Base58.textSizeMax)
        #expect(Base58.decode(longest + "1") == nil)
    }
}
