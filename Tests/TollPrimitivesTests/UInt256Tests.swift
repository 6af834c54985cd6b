// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct UInt256Tests {
    static let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935"

    @Test(arguments: [
        "0", "1", "10", "9999999999999999999", "10000000000000000000", "18446744073709551615", "18446744073709551616",
        "100000000000000000000000000000000000000", "340282366920938463463374607431768211456",
        "6277101735386680763835789423207666416102355444464034512896", most,
    ])
    func `decimal digits come back`(text: String) {
        #expect(UInt256(decimal: text)?.description == text)
    }

    @Test(arguments: [
        "", "00", "01", "+1", "-1", "-0", " 1", "1 ", "1.0", "1e3", "0x1", "1_000", "١", "１",
        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
        "999999999999999999999999999999999999999999999999999999999999999999999999999999", most + "0",
    ])
    func `other texts and greater numbers are refused`(text: String) {
        #expect(UInt256(decimal: text) == nil)
    }

    @Test(arguments: [
        ("0x0", "0"), ("0x1", "1"), ("ff", "255"), ("0xFf", "255"), ("0x00000000000000000001", "1"),
        ("0x10000000000000000", "18446744073709551616"),
        ("0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", most),
    ])
    func `hexadecimal is read`(text: String, decimal: String) {
        #expect(UInt256(hex: text)?.description == decimal)
    }

    @Test(arguments: [
        "", "0x", "0X1", "0x0x1", "0x0x12", "0x0x0", "0xg", "-0x1", "0x 1", "0x1\u{301}",
        "0x10000000000000000000000000000000000000000000000000000000000000000",
        "0x00000000000000000000000000000000000000000000000000000000000000001",
    ])
    func `what is no hexadecimal number of 256 bits is refused`(text: String) {
        #expect(UInt256(hex: text) == nil)
    }

    @Test(
        arguments: [
            ("0", "0x0", []), ("1", "0x1", [1]), ("256", "0x100", [1, 0]), ("4095", "0xfff", [15, 255]),
            ("18446744073709551616", "0x10000000000000000", [1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(String, String, [UInt8])]
    )
    func `quantities and minimal bytes have no leading zeros`(decimal: String, quantity: String, bytes: [UInt8]) throws {
        let value = try #require(UInt256(decimal: decimal))
        #expect(value.hexQuantity == quantity)
        #expect(value.minimalBytes == bytes)
        #expect(UInt256(bigEndian: bytes) == value)
        #expect(UInt256(value.word) == value)
        #expect(UInt256(bigEndian: value.word.bytes) == value)
    }

    @Test func `more than thirty-two bytes are refused`() {
        #expect(UInt256(bigEndian: [UInt8](repeating: 0, count: 33)) == nil)
        #expect(UInt256(bigEndian: [UInt8](repeating: 255, count: 32)) == .max)
    }

    @Test func `only what fits 64 bits is one`() {
        #expect(UInt256(UInt64.max).uint64 == .max)
        for power in [64, 128, 192] {
            #expect(UInt256(bigEndian: [1] + [UInt8](repeating: 0, count: power / 8))?.uint64 == nil)
        }
    }

    /// Computed with Python's integers.
    @Test(
        arguments: [
            (
                "23748688557026224377304300865983726682766679600228326978466783214445727790966", "13690091877088900160",
                "23748688557026224377304300865983726682766679600228326978480473306322816691126",
                "23748688557026224377304300865983726682766679600228326978453093122568638890806"
            ),
            (
                "2460169083605925016", "14972040411739486393643941733718487031122063821505935937743954288287174684217",
                "14972040411739486393643941733718487031122063821505935937746414457370780609233", nil
            ),
            (
                "60591527688567893347736020401722158586", "7464158359588430530", "60591527688567893355200178761310589116",
                "60591527688567893340271862042133728056"
            ),
            (
                "87833844227009870983677348210003956605353812132106550371010499534965382634352",
                "62148634303208570441434604899905476475349794824777510062465386067223979597742", nil,
                "25685209923801300542242743310098480130004017307329040308545113467741403036610"
            ),
            (most, "0", most, most),
            (most, "1", nil, "115792089237316195423570985008687907853269984665640564039457584007913129639934"),
            (
                "340282366920938463463374607431768211455", "1", "340282366920938463463374607431768211456",
                "340282366920938463463374607431768211454"
            ),
            (
                "340282366920938463463374607431768211456", "1", "340282366920938463463374607431768211457",
                "340282366920938463463374607431768211455"
            ),
            ("0", "0", "0", "0"),
        ] as [(String, String, String?, String?)]
    )
    func `sums and differences are exact or nil`(left: String, right: String, sum: String?, difference: String?) throws {
        let a = try #require(UInt256(decimal: left))
        let b = try #require(UInt256(decimal: right))
        #expect(a.adding(b)?.description == sum)
        #expect(b.adding(a)?.description == sum)
        #expect(a.subtracting(b)?.description == difference)
        #expect((a < b) == (difference == nil))
    }

    /// Computed with Python's integers.
    @Test(
        arguments: [
            (
                "52753829742973212850351158393874821574374161366849577875895785501733377651018", 2_422_486_521, nil,
                "21776727872647351192568785563894917363865968592875228582498183279564", 2_012_894_174
            ),
            (
                "211893986377631165296638067582704684722", 5_017_203_069, "1063115158756495275476338808058175355507895811818",
                "42233488153363633625059091181", 3_040_650_233
            ),
            (
                "1438908762205829147099953341010037110685117222208696517509", 11_108_618_172_110_140_607,
                "15984288023848182752288771465496092232801592025041073107553813288665227387963",
                "129530850724388597751862921006856629691", 511_637_000_555_555_072
            ),
            (most, 2, nil, "57896044618658097711785492504343953926634992332820282019728792003956564819967", 1),
            (most, 1, most, most, 0), ("0", 7, "0", "0", 0), ("6", 7, "42", "0", 6),
        ] as [(String, UInt64, String?, String, UInt64)]
    )
    func `products and quotients are exact or nil`(
        text: String,
        factor: UInt64,
        product: String?,
        quotient: String,
        remainder: UInt64
    ) throws {
        let value = try #require(UInt256(decimal: text))
        #expect(value.multiplied(by: factor)?.description == product)
        let divided = value.quotientAndRemainder(dividingBy: factor)
        #expect(divided.quotient.description == quotient)
        #expect(divided.remainder == remainder)
    }
}
