// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollPrimitives

@Suite struct DollarsTests {
    @Test(
        arguments: [("1", 1_000_000), ("$0.05", 50_000), ("0.000001", 1), ("0", 0), ("20.5", 20_500_000)] as [(String, UInt64)]
    )
    func `an amount of dollars is read exactly`(text: String, micros: UInt64) {
        #expect(Dollars(text)?.micros == micros)
    }

    @Test(arguments: ["", "$", "0.0000001", "-1", "1e3", ".5", "1.", "1,5", "99999999999999999999", "$$1"])
    func `anything else is refused`(text: String) {
        #expect(Dollars(text) == nil)
    }

    @Test(
        arguments: [
            ("1000", 6, 1_000), ("1", 18, 1), ("1000000000000", 18, 1), ("1000000000001", 18, 2), ("5", 0, 5_000_000),
            ("7", 2, 70_000),
            ("0", 18, 0),
        ] as [(String, Int, UInt64)]
    )
    func `units cost what they are worth, rounded up`(units: String, decimals: Int, micros: UInt64) throws {
        #expect(Dollars(units: try #require(UInt256(decimal: units)), decimals: decimals)?.micros == micros)
    }

    @Test func `what does not fit is no amount`() {
        #expect(Dollars(units: .max, decimals: 6) == nil && Dollars(units: .max, decimals: 18) == nil)
        #expect(Dollars(units: .max, decimals: 0) == nil && Dollars(units: .max, decimals: 77)?.micros == 1_157_921)
        #expect(Dollars(micros: .max).adding(Dollars(1)) == Dollars(micros: .max))
    }

    @Test func `an amount prints as people write it`() {
        #expect(Dollars(micros: 50_000).description == "$0.05" && Dollars(20).description == "$20")
    }
}
