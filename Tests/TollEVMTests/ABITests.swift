// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPrimitives

struct ABITests {
    /// The worked examples of Solidity's ABI specification ("Examples", "Use of Dynamic Types").
    @Test(arguments: examples)
    func `calls are encoded as Solidity's specification shows`(signature: String, arguments: [ABI.Value], hex: String) {
        #expect(Hex.encode(ABI.encodeCall(ABI.selector(signature), arguments)) == hex.filter { !$0.isNewline })
    }

    @Test func `what was encoded is decoded`() throws {
        let values: [ABI.Value] = [
            .array([.tuple([.address(usdc), .bytes([1, 2, 3])]), .tuple([.address(payTo), .bytes([])])]),
            .tuple([.integer(1), .tuple([.bool(true), .integer(.max)])]),
            .array([]),
            .string(String(repeating: "x", count: 64)),
        ]
        let shapes: [ABI.Shape] = [
            .array(.tuple([.word, .bytes])), .tuple([.word, .tuple([.word, .word])]), .array(.word), .bytes,
        ]
        #expect(try ABI.decodeCanonical(shapes, from: ABI.encode(values)) == values)
    }

    @Test(arguments: hostile)
    func `what points outside or is read twice is refused`(hex: String, shapes: [ABI.Shape], error: ABI.DecodingError) {
        #expect(throws: error) { try ABI.decode(shapes, from: bytes(hex)) }
    }

    @Test(arguments: [
        head("20") + head("01") + "ff00000000000000000000000000000000000000000000000000000000000001",
        head("20") + head("01") + "ff",
        head("40") + head("00") + head("00"),
        head("20") + head("00") + head("00"),
    ])
    func `canonical decoding refuses odd padding, gaps and trailing bytes, which contracts take`(hex: String) throws {
        #expect(throws: Never.self) { try ABI.decode([.bytes], from: bytes(hex)) }
        #expect(throws: ABI.DecodingError.notCanonical) { try ABI.decodeCanonical([.bytes], from: bytes(hex)) }
    }

    @Test func `words are read by what they may hold`() {
        #expect(ABI.Value.integer(2).bool == nil)
        #expect(ABI.Value.bool(true).bool == true)
        #expect(ABI.Value.integer(.max).address == nil)
        #expect(ABI.Value.address(usdc).address == usdc)
        #expect(ABI.Value.bytes([0xFF]).string == nil)
        #expect(ABI.Value.bytes([]).word == nil)
    }
}

/// A word that ends in `digits`.
private func head(_ digits: String) -> String {
    String(repeating: "0", count: 64 - digits.utf8.count) + digits
}

private let examples: [(String, [ABI.Value], String)] = [
    (
        "baz(uint32,bool)", [ABI.Value.integer(69), .bool(true)],
        """
        cdcd77c0
        0000000000000000000000000000000000000000000000000000000000000045
        0000000000000000000000000000000000000000000000000000000000000001
        """
    ),
    (
        "sam(bytes,bool,uint256[])", [.string("dave"), .bool(true), .array([.integer(1), .integer(2), .integer(3)])],
        """
        a5643bf2
        0000000000000000000000000000000000000000000000000000000000000060
        0000000000000000000000000000000000000000000000000000000000000001
        00000000000000000000000000000000000000000000000000000000000000a0
        0000000000000000000000000000000000000000000000000000000000000004
        6461766500000000000000000000000000000000000000000000000000000000
        0000000000000000000000000000000000000000000000000000000000000003
        0000000000000000000000000000000000000000000000000000000000000001
        0000000000000000000000000000000000000000000000000000000000000002
        0000000000000000000000000000000000000000000000000000000000000003
        """
    ),
    (
        "g(uint256[][],string[])",
        [
            .array([.array([.integer(1), .integer(2)]), .array([.integer(3)])]),
            .array([.string("one"), .string("two"), .string("three")]),
        ],
        """
        2289b18c
        0000000000000000000000000000000000000000000000000000000000000040
        0000000000000000000000000000000000000000000000000000000000000140
        0000000000000000000000000000000000000000000000000000000000000002
        0000000000000000000000000000000000000000000000000000000000000040
        00000000000000000000000000000000000000000000000000000000000000a0
        0000000000000000000000000000000000000000000000000000000000000002
        0000000000000000000000000000000000000000000000000000000000000001
        0000000000000000000000000000000000000000000000000000000000000002
        0000000000000000000000000000000000000000000000000000000000000001
        0000000000000000000000000000000000000000000000000000000000000003
        0000000000000000000000000000000000000000000000000000000000000003
        0000000000000000000000000000000000000000000000000000000000000060
        00000000000000000000000000000000000000000000000000000000000000a0
        00000000000000000000000000000000000000000000000000000000000000e0
        0000000000000000000000000000000000000000000000000000000000000003
        6f6e650000000000000000000000000000000000000000000000000000000000
        0000000000000000000000000000000000000000000000000000000000000003
        74776f0000000000000000000000000000000000000000000000000000000000
        0000000000000000000000000000000000000000000000000000000000000005
        7468726565000000000000000000000000000000000000000000000000000000
        """
    ),
]

private let hostile: [(String, [ABI.Shape], ABI.DecodingError)] = [
    ("", [ABI.Shape.word], ABI.DecodingError.truncated),
    (String(repeating: "00", count: 31), [.word], .truncated),
    (head("20"), [.bytes], .truncated),
    (head("40"), [.bytes], .truncated),
    (head("20") + head("01"), [.bytes], .truncated),
    (String(repeating: "ff", count: 32) + head("00"), [.bytes], .truncated),
    (head("7fffffffffffffff") + head("00"), [.bytes], .truncated),
    (head("20") + head("7fffffffffffffff"), [.bytes], .truncated),
    (head("20") + head("02") + head("00"), [.array(.word)], .truncated),
    // Two arguments whose offsets point at one tail.
    (head("40") + head("40") + head("20") + head("01"), [.bytes, .bytes], .overlapping),
    // An offset that points back at itself, as an array of arrays would recurse.
    (head("20") + head("02") + head("00") + head("00"), [.array(.array(.array(.word)))], .overlapping),
]
