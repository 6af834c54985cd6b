// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct PercentTextTests {
    /// RFC 3986 §2.3 lists what needs no encoding.
    @Test func `only what is unreserved stays`() {
        let plain = "ABCXYZabcxyz0189-._~"
        #expect(PercentText.encode(plain) == plain)
        #expect(PercentText.encode("a b/c?d=é%") == "a%20b%2Fc%3Fd%3D%C3%A9%25")
        #expect(PercentText.encode("@[`{\0") == "%40%5B%60%7B%00")
    }

    @Test(arguments: ["", "a-b_c.d~e", "ä/ü?=&%", "\r\n\u{0}", "100%25", "日本語 €"])
    func `what was encoded comes back`(text: String) {
        #expect(PercentText.decode(PercentText.encode(text)) == text)
    }

    @Test func `one round is decoded, in either case, and a plus stays`() {
        #expect(PercentText.decode("%2525%2f%2F+") == "%25//+")
    }

    @Test(arguments: ["%", "%a", "a%", "%g0", "%0g", "%%41", "%ff", "%c3%28", "%ed%a0%80"])
    func `a broken escape and bytes that are no UTF-8 are refused`(text: String) {
        #expect(PercentText.decode(text) == nil)
    }
}
