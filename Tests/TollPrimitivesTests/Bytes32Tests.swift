// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct Bytes32Tests {
    static let counting = (0..<32).map { UInt8($0) }

    @Test func `thirty-two bytes come back in order`() {
        #expect(Bytes32(Self.counting)?.bytes == Self.counting)
        #expect(
            Bytes32(Self.counting)?.description == "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        )
        #expect(Bytes32.zero.bytes == [UInt8](repeating: 0, count: 32))
    }

    @Test(arguments: [0, 31, 33, 64]) func `other lengths are refused`(count: Int) {
        #expect(Bytes32([UInt8](repeating: 1, count: count)) == nil)
        #expect(Bytes32(hex: "0x" + String(repeating: "01", count: count)) == nil)
    }

    @Test func `hexadecimal is read in either case, prefixed or not`() {
        let digits = String(repeating: "aB", count: 32)
        #expect(Bytes32(hex: digits) == Bytes32([UInt8](repeating: 0xAB, count: 32)))
        #expect(Bytes32(hex: digits) == Bytes32(hex: "0x" + digits))
        #expect(Bytes32(hex: "0x0x" + digits.dropLast(2)) == nil)
    }

    @Test(arguments: 0..<32) func `one different byte makes it another`(index: Int) {
        var other = Self.counting
        other[index] ^= 0x80
        #expect(Bytes32(other) != Bytes32(Self.counting))
        #expect(!constantTimeEquals(other, Self.counting))
    }

    @Test func `constant-time comparison is comparison`() {
        #expect(constantTimeEquals([], []))
        #expect(constantTimeEquals([1, 2], [1, 2]))
        #expect(!constantTimeEquals([1, 2], [1, 2, 0]))
        #expect(!constantTimeEquals([], [0]))
    }
}
