// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

/// Slow-loris: heads, bodies and readers that hold a connection by hardly moving.
@Suite struct SlowClientTests {
    /// Sends byte for byte until the gate takes no more; how many it took.
    static func trickle(_ client: RawClient, _ text: String) -> Int {
        for (count, byte) in text.utf8.enumerated() {
            guard client.send([byte]) else { return count }
            usleep(5_000)
        }
        return text.utf8.count
    }

    @Test func `a head that trickles is cut off, and nothing of it goes on`() async throws {
        var limits = ServerLimits.patient
        limits.headerTime = .milliseconds(100)
        let gate = try await Gate(limits: limits)
        let client = try RawClient(port: gate.server.port)
        let text = "GET /free/x HTTP/1.1\r\n\(Gate.host)" + String(repeating: "X: 1\r\n", count: 500) + "\r\n"
        #expect(Self.trickle(client, text) < text.utf8.count)
        #expect(await gate.targets().isEmpty)
    }

    @Test func `a head that stops is told so, a connection that says nothing is closed`() async throws {
        var limits = ServerLimits.patient
        limits.headerTime = .seconds(1)
        let gate = try await Gate(limits: limits)
        #expect(try gate.answers(to: "GET /free/x HTTP/1.1\r\nHost:").statuses == [408])
        #expect(try gate.answers(to: "").statuses == [])
        #expect(await gate.targets().isEmpty)
    }

    @Test(arguments: ["Content-Length: 1000", "Transfer-Encoding: chunked"])
    func `a body that trickles, or stops, is cut off, and the upstream never has it whole`(framing: String) async throws {
        var limits = ServerLimits.patient
        limits.bodyIdleTime = .milliseconds(200)
        limits.bodyRate = 100_000
        let gate = try await Gate(limits: limits)
        let head = "POST /free/x HTTP/1.1\r\n\(Gate.host)\(framing)\r\n\r\n"
        let client = try RawClient(port: gate.server.port)
        client.send(head)
        let body = String(repeating: "1\r\nx\r\n", count: 1_000)
        #expect(Self.trickle(client, body) < body.utf8.count)
        #expect(try gate.answers(to: head + "3\r\nabc\r\n").statuses == [408])
        _ = await gate.targets()
        #expect(gate.upstream.seen.allSatisfy { !$0.isWhole })
    }

    @Test func `whoever asks and does not read is given up`() async throws {
        var limits = ServerLimits.patient
        limits.writeIdleTime = .milliseconds(200)
        let gate = try await Gate(limits: limits)
        let client = try RawClient(port: gate.server.port, receiveBuffer: 4_096)
        let requests = String(repeating: PipeliningTests.get("/paid/x"), count: 1_000)
        // Far more than the kernels' buffers take.
        var rounds = 0
        while rounds < 2_000, client.send(requests) { rounds += 1 }
        #expect(rounds < 2_000)
        #expect(await gate.targets().isEmpty)
    }
}
