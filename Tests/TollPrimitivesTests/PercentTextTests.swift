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
}
