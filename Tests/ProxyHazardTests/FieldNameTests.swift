// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Spaces before colons, and names that are none: what one side drops, the other may read as the field it looks like
/// (RFC 9112 §5.1).
@Suite struct FieldNameTests {
    @Test(arguments: [
        "Content-Length : 5", "Content-Length\t: 5", "Content-Length\u{A0}: 5", "X : 1", "X\u{0}: 1", ": 1", "X", "X Y: 1",
        "X(a): 1",
        "\"X\": 1", "X/Y: 1", "X\u{7F}: 1", "Hóst: x", "X[]: 1", "X@: 1", "X,Content-Length: 5",
    ])
    func `a name that is no token is refused`(field: String) async throws {
        try await Gate().expectRefusal(400, of: "POST /free/x HTTP/1.1\r\n\(Gate.host)\(field)\r\n\r\nhello", field)
    }
}
