// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct Base64Tests {
    /// RFC 4648 §10.
    static let vectors: [(text: String, code: String)] = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: vectors) func `the RFC's vectors hold both ways`(text: String, code: String) {
        #expect(Base64.encode(Array(text.utf8)) == code)
        #expect(Base64.decode(code) == Array(text.utf8))
    }

    @Test(arguments: vectors) func `padding may be left out`(text: String, code: String) {
        #expect(Base64.decode(code.filter { $0 != "=" }) == Array(text.utf8))
    }

    @Test func `either alphabet is read`() {
        let bytes: [UInt8] = [0xFB, 0xEF, 0xFF, 0x3E]
        #expect(Base64.encode(bytes) == "++//Pg==")
        #expect(Base64.encodeURL(bytes) == "--__Pg")
        for text in ["++//Pg==", "++//Pg", "--__Pg==", "--__Pg"] { #expect(Base64.decode(text) == bytes) }
    }

    @Test(arguments: [
        "Z", "Zg=", "Zg===", "=", "==", "====", "Zm=8", "Zg==Zg==", "Zm9v=", "Zm9v====", "Zm 8", "Zm8=\n", "Zm9*", "Zé==",
        "A+_A", "-/AA",
    ])
    func `garbage is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(arguments: ["Zh==", "Zh", "Zm9=", "Zm9", "//==", "__"])
    func `bits beyond the last byte are refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `every length comes back`() {
        for count in 0...66 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ count) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decode(Base64.encodeURL(bytes)) == bytes)
            #expect(Base64.encodeUTF8(bytes).count == (count + 2) / 3 * 4)
        }
    }
}
