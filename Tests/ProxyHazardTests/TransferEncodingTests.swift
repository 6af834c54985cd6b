// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// TE.TE: a coding written so that one side sees chunks and the other does not.
@Suite struct TransferEncodingTests {
    @Test(arguments: [
        "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: Chunked",
        "Transfer-Encoding: chunked;a=b",
        "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked,", "Transfer-Encoding:", "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: cow",
    ])
    func `anything but chunked is not known here`(field: String) async throws {
        try await Gate().expectRefusal(501, of: "POST /free/x HTTP/1.1\r\n\(Gate.host)\(field)\r\n\r\n0\r\n\r\n", field)
    }

    @Test(arguments: [
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
        "Transfer-Encoding: \u{0B}chunked", "Transfer-Encoding: chunked\u{0C}", "Transfer-Encoding\u{0B}: chunked",
        "Transfer-Encoding : chunked", "X: X\nTransfer-Encoding: chunked", "Transfer-Encoding\r\n : chunked",
        "Transfer-Encoding: chunked\u{0}", "\u{0}Transfer-Encoding: chunked",
        " Transfer-Encoding: chunked",
        "Transfer-Encoding chunked", "Transfer\u{AD}-Encoding: chunked",
    ])
    func `a disguised one is no field`(field: String) async throws {
        try await Gate().expectRefusal(400, of: "POST /free/x HTTP/1.1\r\n\(Gate.host)\(field)\r\n\r\n0\r\n\r\n", field)
    }

    @Test func `HTTP 1.0 has no chunks`() async throws {
        try await Gate().expectRefusal(
            400, of: "POST /free/x HTTP/1.0\r\n\(Gate.host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    }
}
