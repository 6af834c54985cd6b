// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Targets that are none, and paths that an upstream could read as a priced one.
@Suite struct TargetTests {
    @Test(arguments: [
        "a/b", "free/x", "/free/x#y", "/free/ä", "/free/\u{7F}", "/free/\u{0}", "/free/a b", "*", "", "?x", "../free/x",
        "\\free\\x", "http://",
    ])
    func `what is no target is refused`(target: String) async throws {
        try await Gate().expectRefusal(400, of: "GET \(target) HTTP/1.1\r\n\(Gate.host)\r\n", target)
    }

    @Test(arguments: [
        "/free/../paid/x", "/free/%2e%2e/paid/x", "/free/%252e%252e/paid/x", "/free/..%2fpaid/x", "/free\\..\\paid\\x",
        "/free/..;/paid/x", "//paid/x",
        "/./paid/x", "/PAID/x", "/p%61id/x", "/paid%2fx", "/paid;a/x", "/free/..%5cpaid/x", "/%zz", "/free/%00",
    ])
    func `a path that could be a priced one goes nowhere`(target: String) async throws {
        let gate = try await Gate()
        let statuses = try gate.answers(to: "GET \(target) HTTP/1.1\r\n\(Gate.host)\r\n" + Gate.last).statuses
        #expect(statuses == [400, 200], "\(target)")
        #expect(await gate.targets() == ["/free/last"])
    }

    @Test func `a target arrives as it was sent`() async throws {
        let gate = try await Gate()
        let target = "/free/a%2Fb//c;d=1/%7e?q=%zz&../paid/x"
        #expect(try gate.answers(to: "GET \(target) HTTP/1.1\r\n\(Gate.host)\r\n" + Gate.last).statuses == [200, 200])
        #expect(await gate.targets() == [target, "/free/last"])
    }
}
