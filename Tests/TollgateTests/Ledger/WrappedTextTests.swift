// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

@testable import tollgate

@Suite struct WrappedTextTests {
    @Test func `lines end before a hundred columns, and a hash is never broken`() {
        let hash = SamplePayment.hash(1)
        let text = WrappedText.lines("our signer moved 1000 units in \(hash) and \(hash) and so on", indent: 2)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.count <= WrappedText.width })
        #expect(lines[0].hasSuffix(hash) && lines[1] == "  and \(hash) and so on")
    }

    @Test func `nothing is nothing, and one long word is one line`() {
        #expect(WrappedText.lines("") == "")
        #expect(WrappedText.lines(String(repeating: "x", count: 200)).count == 200)
    }

    @Test func `controls are shown, not sent`() {
        #expect(!WrappedText.lines("a\u{1B}[2J b").contains("\u{1B}"))
    }
}
