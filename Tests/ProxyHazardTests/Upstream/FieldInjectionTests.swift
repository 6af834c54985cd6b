// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollTestKit

/// An upstream that hides fields in values.
@Suite struct FieldInjectionTests {
    @Test(arguments: [
        "X: a\rSet-Cookie: b", "X: a\nSet-Cookie: b", "X: a\u{0}b", "X: a\r\n Set-Cookie: b", "X: a\r\n\tb", " X: a", "X : a",
        "X\u{0}: a",
        "X y: a", ": a", "X: a\u{7F}", "X(y): a", "no colon",
    ])
    func `a field that is none is a bad gateway`(field: String) async throws {
        try await UpstreamStand.expectNoAnswer(
            .init(answers: ["HTTP/1.1 200 OK\r\n\(field)\r\nContent-Length: 2\r\n\r\nok"], lingers: true))
    }
}
