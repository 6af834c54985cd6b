// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Methods that are none, tunnel, or look like another.
@Suite struct MethodTests {
    @Test(arguments: [
        ("G(ET /free/x", 400), ("GET\u{0}X /free/x", 400), ("/free/x GET", 400), (" GET /free/x", 400), ("\tGET /free/x", 400),
        ("GÉT /free/x", 400),
        ("GET\t/free/x", 400), ("CONNECT api.example:443", 501), ("CONNECT /free/x", 501),
    ])
    func `what is no method, and a tunnel, are refused`(start: String, status: Int) async throws {
        try await Gate().expectRefusal(status, of: "\(start) HTTP/1.1\r\n\(Gate.host)\r\n", start)
    }

    @Test(arguments: ["get", "Get", "POST", "GETX", "FOO"])
    func `a priced GET is a GET and nothing that looks like one`(method: String) async throws {
        let gate = try await Gate()
        #expect(try gate.answers(to: "\(method) /dear HTTP/1.1\r\n\(Gate.host)\r\n" + Gate.last).statuses == [405, 200])
        #expect(await gate.targets() == ["/free/last"])
    }

    @Test(arguments: ["X-HTTP-Method-Override: GET", "X-Method-Override: GET", "X-HTTP-Method: GET"])
    func `a price for every method is asked whatever method a field names`(field: String) async throws {
        let gate = try await Gate()
        #expect(try gate.answers(to: "POST /paid/x HTTP/1.1\r\n\(Gate.host)\(field)\r\n\r\n" + Gate.last).statuses == [402, 200])
        #expect(await gate.targets() == ["/free/last"])
    }
}
