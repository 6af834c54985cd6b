// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTPEngine
import TollTestKit

/// Heads that never end: many fields, long fields, long targets.
@Suite struct FieldFloodTests {
    static let start = "GET /free/x HTTP/1.1\r\n\(Gate.host)"

    @Test(arguments: [
        ("a hundred thousand fields", start + String(repeating: "X: 1\r\n", count: 100_000) + "\r\n", 431),
        ("a hundred and one fields", start + String(repeating: "X: 1\r\n", count: 100) + "\r\n", 431),
        ("a field of a megabyte", start + "X: \(String(repeating: "x", count: 1 << 20))\r\n\r\n", 431),
        ("a name of a megabyte", start + "\(String(repeating: "x", count: 1 << 20)): 1\r\n\r\n", 431),
        ("a target of a megabyte", "GET /free/\(String(repeating: "x", count: 1 << 20)) HTTP/1.1\r\n\(Gate.host)\r\n", 414),
        ("a method of a megabyte", String(repeating: "X", count: 1 << 20), 414),
    ])
    func `it is refused without being read to its end`(name: String, text: String, status: Int) async throws {
        let gate = try await Gate()
        let client = try RawClient(port: gate.server.port)
        client.send(text)
        client.send(Gate.smuggled + Gate.last)
        #expect(Answers(client.receive(until: "\r\n\r\n")).statuses == [status])
        _ = client.receiveAll()
        #expect(await gate.targets().isEmpty)
    }
}
