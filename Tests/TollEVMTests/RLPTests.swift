// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPrimitives

struct RLPTests {
    /// Examples of the Ethereum wiki's and the yellow paper's description of RLP.
    @Test(arguments: examples)
    func `items are written and read`(item: RLP.Item, hex: String) throws {
        #expect(Hex.encode(RLP.encode(item)) == hex)
        #expect(try RLP.decode(bytes(hex)) == item)
    }

    @Test(arguments: malformed)
    func `anything but the canonical encoding is refused`(hex: String, error: RLP.DecodingError) {
        #expect(throws: error) { try RLP.decode(bytes(hex)) }
    }

    @Test func `nesting and size are limited`() {
        func nested(_ depth: Int) -> RLP.Item { (1..<depth).reduce(.list([])) { item, _ in .list([item]) } }
        #expect(throws: Never.self) { try RLP.decode(RLP.encode(nested(RLP.depthMax))) }
        #expect(throws: RLP.DecodingError.tooDeep) { try RLP.decode(RLP.encode(nested(RLP.depthMax + 1))) }
        #expect(throws: RLP.DecodingError.tooLong) { try RLP.decode([UInt8](repeating: 0, count: RLP.bytesMax + 1)) }
    }

    @Test func `an integer with leading zeros is none`() {
        #expect(RLP.Item.bytes([0, 1]).integer == nil)
        #expect(RLP.Item.bytes([0]).integer == nil)
        #expect(RLP.Item.bytes([]).integer == 0)
        #expect(RLP.Item.bytes([1, 0]).integer == 256)
        #expect(RLP.Item.bytes([UInt8](repeating: 1, count: 33)).integer == nil)
        #expect(RLP.Item.list([]).integer == nil)
    }
}

private let examples: [(RLP.Item, String)] = [
    (RLP.Item.bytes(Array("dog".utf8)), "83646f67"),
    (.list([.bytes(Array("cat".utf8)), .bytes(Array("dog".utf8))]), "c88363617483646f67"),
    (.bytes([]), "80"),
    (.list([]), "c0"),
    (.integer(0), "80"),
    (.bytes([0]), "00"),
    (.integer(15), "0f"),
    (.integer(127), "7f"),
    (.integer(128), "8180"),
    (.integer(1024), "820400"),
    (.list([.list([]), .list([.list([])]), .list([.list([]), .list([.list([])])])]), "c7c0c1c0c3c0c1c0"),
    (
        .bytes(Array("Lorem ipsum dolor sit amet, consectetur adipisicing elit".utf8)),
        "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c6974"
    ),
    (.list([RLP.Item](repeating: .bytes([0xAA]), count: 28)), "f838" + String(repeating: "81aa", count: 28)),
    (.bytes([UInt8](repeating: 1, count: 256)), "b90100" + String(repeating: "01", count: 256)),
]

private let malformed: [(String, RLP.DecodingError)] = [
    ("", RLP.DecodingError.truncated),
    ("83646f", .truncated),
    ("c883636174", .truncated),
    ("b8", .truncated),
    ("b838", .truncated),
    ("bfffffffffffffffff", .truncated),
    ("ffffffffffffffffff", .truncated),
    ("c18363", .truncated),
    ("83646f6700", .trailingBytes),
    ("c0c0", .trailingBytes),
    ("8100", .notCanonical),
    ("817f", .notCanonical),
    ("b80180", .notCanonical),
    ("b837" + String(repeating: "01", count: 55), .notCanonical),
    ("b90038" + String(repeating: "01", count: 56), .notCanonical),
    ("f800", .notCanonical),
]
