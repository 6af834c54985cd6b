// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct HexTests {
    @Test func `bytes become two lower-case digits each`() {
        #expect(Hex.encode([0x00, 0x0F, 0xAB, 0xFF]) == "000fabff")
        #expect(Hex.encodePrefixed([0xC0, 0xDE]) == "0xc0de")
        #expect(Hex.encodePrefixed([]) == "0x")
    }

    @Test(
        arguments: [
            ("", []), ("0x", []), ("00", [0]), ("0xC0de", [0xC0, 0xDE]), ("AbCdEf", [0xAB, 0xCD, 0xEF]), ("0x0001", [0, 1]),
        ] as [(String, [UInt8])]
    )
    func `either case is read, with and without the prefix`(text: String, bytes: [UInt8]) {
        #expect(Hex.decode(text) == bytes)
    }

    @Test(arguments: ["0", "0x1", "0X12", "x0", "0x0x12", "12 34", "0g", "é", "１２", "-1", "0x12\n"])
    func `anything else is refused`(text: String) {
        #expect(Hex.decode(text) == nil)
    }

    @Test func `a slice that does not start at zero is read`() {
        let text = Array("..0xbeef".utf8)
        #expect(Hex.decode(utf8: text[2...]) == [0xBE, 0xEF])
        #expect(Hex.decode(utf8: text[4...]) == [0xBE, 0xEF])
    }
}
