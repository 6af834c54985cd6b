// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives

/// Equal requests are recognised, different ones are not taken for each other, unknown ones equal nothing.
@Suite struct RequestIdentityTests {
    static func identity(_ parts: String..., isRepeatable: Bool = true) -> RequestIdentity {
        RequestIdentity(parts: parts.map { Array($0.utf8) }, isRepeatable: isRepeatable)
    }

    @Test func `the same parts are the same request`() {
        #expect(Self.identity("GET", "host", "/a").isSame(as: Self.identity("GET", "host", "/a")))
        #expect(Self.identity("GET").isSame(as: Self.identity("GET", isRepeatable: false)))
    }

    @Test func `no boundary between parts can be moved`() {
        let lists = [
            Self.identity("ab", "c"), Self.identity("a", "bc"), Self.identity("abc"), Self.identity("abc", ""),
            Self.identity("", "abc"),
            Self.identity("ab", "c", ""), Self.identity(), Self.identity(""), Self.identity("", ""),
            Self.identity("a", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{2}bc"),
        ]
        for (left, one) in lists.enumerated() {
            for (right, other) in lists.enumerated() { #expect(one.isSame(as: other) == (left == right), "\(left) and \(right)") }
        }
    }

    @Test func `an unknown request equals nothing, not even itself`() {
        let unknown = RequestIdentity(digest: nil, isRepeatable: true)
        #expect(!unknown.isSame(as: unknown))
        #expect(!unknown.isSame(as: Self.identity("GET")))
        #expect(!Self.identity("GET").isSame(as: unknown))
    }
}
