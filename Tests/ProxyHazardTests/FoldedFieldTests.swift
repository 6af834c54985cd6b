// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// obs-fold: a field that goes on in the next line, which some read as a field of its own (RFC 9112 §5.2).
@Suite struct FoldedFieldTests {
    @Test(arguments: [
        "X: 1\r\n 2", "X: 1\r\n\t2", "X:\r\n Content-Length: 5", "Content-Length:\r\n 5", "Content-: 5\r\n Length", "X: 1\r\n ",
        "X: 1\r\n  \r\n Transfer-Encoding: chunked", "Host: a\r\n b",
    ])
    func `a folded field is refused`(field: String) async throws {
        try await Gate().expectRefusal(400, of: "POST /free/x HTTP/1.1\r\nHost: api.example\r\n\(field)\r\n\r\n", field)
    }

    @Test func `so is a fold before the first field`() async throws {
        try await Gate().expectRefusal(400, of: "GET /free/x HTTP/1.1\r\n \(Gate.host)\r\n")
    }
}
