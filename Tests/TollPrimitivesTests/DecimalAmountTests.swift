// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct DecimalAmountTests {
    static let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935"

    @Test(arguments: [
        ("0.001", 6, "1000"), ("0.10", 6, "100000"), ("1", 6, "1000000"), ("1.000000", 6, "1000000"),
        ("12.345678", 6, "12345678"),
        ("0", 6, "0"), ("0.0", 0, "0"), ("0", Int.max, "0"), ("007", 0, "7"), ("0.000001", 6, "1"), ("1.10000000000", 1, "11"),
        ("0.000000000000000001", 18, "1"), ("5", 0, "5"), (most, 0, most),
    ])
    func `a price becomes units exactly`(text: String, decimals: Int, units: String) throws {
        #expect(try DecimalAmount(text)?.units(decimals: decimals).description == units)
    }

    @Test func `decimals that the asset does not have are refused, not rounded`() throws {
        let amount = try #require(DecimalAmount("0.0000001"))
        #expect(throws: DecimalAmount.ConversionError.tooManyDecimals(digits: 7, decimals: 6)) { try amount.units(decimals: 6) }
        let cents = try #require(DecimalAmount("1.5"))
        #expect(throws: DecimalAmount.ConversionError.tooManyDecimals(digits: 1, decimals: 0)) { try cents.units(decimals: 0) }
    }

    @Test(arguments: [(most, 1), ("2", 77), ("1", 78), ("1", 1_000_000)])
    func `more than 256 bits is an overflow`(text: String, decimals: Int) throws {
        let amount = try #require(DecimalAmount(text))
        #expect(throws: DecimalAmount.ConversionError.overflow) { try amount.units(decimals: decimals) }
    }

    @Test(arguments: [
        "", ".", ".5", "5.", "1.2.3", "-1", "+1", "1e3", "1,000", "1_000", " 1", "1 ", "$1", "0x10", "١", "１", "1.٠", "1\u{301}",
        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    ])
    func `what people do not write as a price is refused`(text: String) {
        #expect(DecimalAmount(text) == nil)
    }

    @Test(arguments: [
        ("1000", 6, "0.001"), ("0", 6, "0"), ("10000000", 6, "10"), ("1", 18, "0.000000000000000001"), ("120", 0, "120"),
        ("123456789", 6, "123.456789"), ("1500000", 6, "1.5"),
    ])
    func `units become the shortest exact decimal`(units: String, decimals: Int, text: String) throws {
        let amount = DecimalAmount(units: try #require(UInt256(decimal: units)), decimals: decimals)
        #expect(amount.description == text)
        #expect(amount == DecimalAmount(text))
        #expect(try amount.units(decimals: decimals).description == units)
    }
}
