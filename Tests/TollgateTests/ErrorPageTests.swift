// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollRuntime
import TollTestKit

@testable import tollgate

/// What `tollgate check` reads in upstreams' error pages.
@Suite struct ErrorPageTests {
    static func leaks(_ body: String, _ fields: Fields = [:], hiding hidden: Set<String> = []) -> [String] {
        ErrorPage(ResponseHead(status: 404, fields: fields), body: Array(body.utf8)).leaks(hiding: hidden).map(\.message)
    }

    @Test(
        arguments: [
            ("at db 10.1.2.3:5432 refused", "10.1.2.3"), ("http://127.0.0.1:9000/x", "127.0.0.1"), ("192.168.0.1", "192.168.0.1"),
            ("<b>172.16.0.9</b>", "172.16.0.9"), ("host=169.254.169.254", "169.254.169.254"),
        ])
    func `a private address is named`(body: String, address: String) {
        #expect(Self.leaks(body) == ["its error page names the private address \(address)"])
    }

    @Test(arguments: ["8.8.8.8", "172.32.0.1", "10.1.2", "10.1.2.3.4", "version 1.10.0.0.2", "", "256.10.0.1", "not found"])
    func `what is no private address is not`(body: String) { #expect(Self.leaks(body).isEmpty) }

    @Test(
        arguments: [
            "Traceback (most recent call last):\n  File \"app.py\"", "Error: x\n    at Layer.handle (express/lib/router.js:95:5)",
            "panic: runtime error\ngoroutine 1 [running]:", "java.lang.NullPointerException\n\tat com.example.A.b(A.java:3)",
        ])
    func `a stack is seen`(body: String) {
        #expect(Self.leaks(body).contains { $0.hasPrefix("its error page shows a stack trace") })
    }

    @Test func `a version is told unless the gateway removes the field`() {
        let fields: Fields = ["Server": "nginx/1.22.1", "X-Powered-By": "Express"]
        #expect(Self.leaks("", fields) == ["tells its version in `server: nginx/1.22.1`"])
        #expect(Self.leaks("", fields, hiding: ["server"]).isEmpty)
        #expect(Self.leaks("", ["Server": "nginx"]).isEmpty)
    }

    @Test func `each upstream is asked once for what cannot exist, and one that is silent is a warning`() async throws {
        let configuration = try #require(
            Fixture.read(
                Fixture.text(
                    upstreams:
                        "upstreams: {weather: {url: \"http://127.0.0.1:9000\", strip: [server]}, b: \"http://127.0.0.1:9001\"}")
            ).configuration)
        let client = ScriptedHTTPClient { sent throws(HTTPError) in
            guard sent.url.contains(":9000") else { throw HTTPError(.connectFailed, "refused") }
            return ClientResponse(
                head: ResponseHead(status: 404, fields: ["Server": "x/1"]), body: BodyStream(Array("10.0.0.1".utf8)))
        }
        let findings = await UpstreamProbe(configuration: configuration, client: client).findings().map(\.description)
        #expect(findings.count == 2 && client.sent.count == 2)
        #expect(findings[0].contains("warning: upstreams.weather: its error page names the private address 10.0.0.1"))
        #expect(findings[1].contains("warning: upstreams.b: does not answer"))
        #expect(client.sent.allSatisfy { $0.method == .get && $0.url.contains("/tollgate-check-") && $0.body.isEmpty })
    }
}
