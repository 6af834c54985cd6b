// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing
import TollHTTP
import TollHTTPEngine
import TollRuntime
import TollTestKit

/// TLS as its clients see it: openssl's own and curl.
@Suite struct TLSServerTests {
    static let names = ["DNS:a.example", "IP:127.0.0.1"]

    /// A server over TLS, and who vouches for it.
    struct Secured {
        let authority: CertificateAuthority
        let tls: ServerTLS
        let server: TestServer

        init(
            limits: ServerLimits = .patient, names: [[String]] = [TLSServerTests.names], loops: Int = 1,
            _ handle: @escaping TestServer.Handle = TestServer.describe
        ) async throws {
            let authority = try CertificateAuthority()
            let identities = try names.enumerated().map { try authority.issue("\($0)", for: $1).identity() }
            self.authority = authority
            self.tls = ServerTLS(identities)
            let endpoint = ServerEndpoint(.tcp(host: "127.0.0.1", port: 0), tls: self.tls)
            self.server = try await TestServer(limits: limits, loops: loops, endpoints: [endpoint], handle)
        }

        /// What the program prints, on both streams, for one request.
        func openssl(_ options: String) throws -> String {
            let request = "printf 'GET /a HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n'"
            let command = "openssl s_client -connect 127.0.0.1:\(self.server.port) -CAfile \(self.authority.certificate) -ign_eof"
            var client = try ChildProcess("/bin/sh", ["-c", "\(request) | \(command) \(options) 2>&1"])
            return String(decoding: client.finish().output, as: UTF8.self)
        }

        /// What curl writes for a URL at `a.example`, with no word of its own but where it fails.
        func curl(_ arguments: String) throws -> String {
            let name = "a.example:\(self.server.port)"
            let command = "curl -sS --cacert \(self.authority.certificate) --resolve \(name):127.0.0.1"
            var curl = try ChildProcess(
                "/bin/sh", ["-c", "\(command) \(arguments.replacing("URL", with: "https://\(name)")) 2>&1"])
            return String(decoding: curl.finish().output, as: UTF8.self)
        }
    }

    @Test(arguments: [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
    func `both versions are spoken, over HTTP 1.1, to an end that is no cut`(option: String, version: String) async throws {
        let output = try await Secured().openssl("\(option) -alpn h2,http/1.1 -verify_return_error -verify_hostname a.example")
        #expect(output.contains("New, \(version), Cipher is "))
        #expect(output.contains("ALPN protocol: http/1.1"))
        #expect(output.contains("Verify return code: 0 (ok)"))
        #expect(output.contains("HTTP/1.1 200 OK\r\n"))
        #expect(
            output.contains("GET /a closed") || output.contains("GET /a \nclosed") || output.hasSuffix("closed\n"), "\(output)")
        #expect(!output.contains("unexpected eof"))
    }

    @Test(arguments: [
        ("-tls1_1 -cipher DEFAULT@SECLEVEL=0", "protocol version"), ("-alpn h2", "no application protocol"),
        ("-tls1_2 -cipher AES128-SHA", "handshake failure"), ("-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", "handshake failure"),
    ])
    func `old versions, weak suites and other protocols are told no`(options: String, alert: String) async throws {
        let output = try await Secured().openssl(options)
        #expect(output.contains("alert \(alert)"), "\(output)")
        #expect(!output.contains("HTTP/1.1 200"))
    }

    @Test(arguments: [
        ("-servername a.example", "CN = 0"), ("-servername b.example", "CN = 1"), ("-servername x.wild.example", "CN = 2"),
        ("-servername none.example", "CN = 0"), ("-noservername", "CN = 0"),
    ])
    func `each client gets the certificate of the name it asks for, or the first`(option: String, subject: String) async throws {
        let secured = try await Secured(names: [["DNS:a.example"], ["DNS:b.example"], ["DNS:*.wild.example"]])
        let output = try secured.openssl(option)
        #expect(output.contains("subject=\(subject)"))
        #expect(output.contains("HTTP/1.1 200 OK\r\n"))
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a client that comes back resumes its session`(version: String) async throws {
        let secured = try await Secured(loops: 2)
        let file = secured.authority.path(of: "session")
        #expect(try secured.openssl("\(version) -sess_out \(file)").contains("New, "))
        let second = try secured.openssl("\(version) -sess_in \(file)")
        #expect(second.contains("Reused, "))
        #expect(second.contains("HTTP/1.1 200 OK\r\n"))
        secured.tls.replace(with: [try secured.authority.issue("new", for: Self.names).identity()])
        let third = try secured.openssl("\(version) -sess_in \(file)")
        #expect(third.contains("New, "))
        #expect(third.contains("subject=CN = new"))
        #expect(third.contains("HTTP/1.1 200 OK\r\n"))
    }

    @Test func `curl keeps a connection, and large bodies go both ways whole`() async throws {
        let secured = try await Secured(TestServer.echo)
        let file = secured.authority.path(of: "body")
        var maker = try ChildProcess("/bin/sh", ["-c", "head -c 20000000 /dev/urandom >\(file); sha256sum <\(file)"])
        let digest = String(decoding: maker.finish().output, as: UTF8.self)
        #expect(try secured.curl("--data-binary @\(file) -H Expect: URL/x | sha256sum") == digest)
        let kept = try secured.curl(
            "-d 1 URL/a URL/b --next -sS --cacert \(secured.authority.certificate) -d 2 -w ' %{num_connects}' URL/c")
        #expect(kept == "112 0")
    }

    @Test func `a request in the clear is told that this is TLS`() async throws {
        let secured = try await Secured()
        let answer = try secured.server.talk("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(answer.hasSuffix("\r\n\r\nplain_http_on_a_tls_port\n"))
        #expect(try secured.server.talk("\u{0}\u{1}\u{2}") == "")
    }

    @Test func `a record that is no hello is told so and the connection ends`() async throws {
        let secured = try await Secured()
        defer { withExtendedLifetime(secured) {} }
        let client = try secured.server.connect()
        client.send([22, 3, 1, 0, 4, 2, 0, 0, 0])
        // An alert: record type 21 (RFC 8446 §6).
        #expect(client.receive()?.first == 21)
        #expect(client.receiveAll() == "")
    }

    @Test func `a handshake has no more time than a head`() async throws {
        var limits = ServerLimits.patient
        limits.headerTime = .milliseconds(100)
        let secured = try await Secured(limits: limits)
        #expect(try secured.server.talk("") == "")
        let client = try secured.server.connect()
        client.send([22, 3, 1, 1, 0, 1, 0, 0, 252])
        #expect(client.receiveAll() == "")
    }

    @Test func `certificates change under load and no request is lost`() async throws {
        let secured = try await Secured(loops: 2)
        let identities = try (0..<4).map { try secured.authority.issue("next\($0)", for: Self.names).identity() }
        let name = "a.example:\(secured.server.port)"
        func client(_ options: String) throws -> ChildProcess {
            let common = "curl -sS --cacert \(secured.authority.certificate) --resolve \(name):127.0.0.1 -o /dev/null"
            let write = "-w '%{http_code} %{ssl_verify_result}\\n'"
            return try ChildProcess("/bin/sh", ["-c", "\(common) \(write) \(options) 2>&1"])
        }
        // One client connects anew for each request, the other keeps its connection.
        var anew = try client("-H 'Connection: close' 'https://\(name)/[1-200]'")
        var kept = try client("'https://\(name)/[1-1000]'")
        let (isOver, changes) = (Latch(), Counter())
        let changer = Thread {
            while !isOver.isOpen {
                secured.tls.replace(with: [identities[changes.value % identities.count]])
                changes.add()
                usleep(1_000)
            }
        }
        changer.start()
        var answers: [String: Int] = [:]
        let lines = String(decoding: kept.finish().output + anew.finish().output, as: UTF8.self).split(separator: "\n")
        for line in lines { answers[String(line), default: 0] += 1 }
        isOver.open()
        #expect(answers == ["200 0": 1200])
        #expect(changes.value > 4)
    }
}

/// The client's side, against a server of ours.
@Suite struct TLSClientTests {
    @Test(arguments: [
        ("good", ["IP:127.0.0.1"], 30, nil), ("ended", ["IP:127.0.0.1"], -1, HTTPError.Code.tls),
        ("elsewhere", ["DNS:a.example", "IP:127.0.0.2"], 30, .tls),
    ])
    func `a certificate must be good for the host, and still be good`(
        file: String, names: [String], days: Int, code: HTTPError.Code?
    ) async throws {
        let authority = try CertificateAuthority()
        let tls = ServerTLS([try authority.issue(file, for: names, days: days).identity()])
        let server = try await TestServer(endpoints: [ServerEndpoint(.tcp(host: "127.0.0.1", port: 0), tls: tls)])
        let client = EngineHTTPClient(group: server.group, authorities: authority.certificate)
        let origin = Origin(scheme: .https, host: "127.0.0.1", port: server.port)
        let error = await ClientTests.failure(client, ClientRequest(.post, origin, target: Array("/".utf8), body: .bytes([1])))
        #expect(error?.code == code)
        #expect(error?.isBeforeSend != false)
    }

    @Test func `an authority that nobody named is not trusted`() async throws {
        let authority = try CertificateAuthority()
        let tls = ServerTLS([try authority.issue("own", for: ["IP:127.0.0.1"]).identity()])
        let server = try await TestServer(endpoints: [ServerEndpoint(.tcp(host: "127.0.0.1", port: 0), tls: tls)])
        let others = try CertificateAuthority().certificate
        let origin = Origin(scheme: .https, host: "127.0.0.1", port: server.port)
        for client in [EngineHTTPClient(group: server.group), EngineHTTPClient(group: server.group, authorities: others)] {
            let error = await ClientTests.failure(client, ClientRequest(.get, origin, target: Array("/".utf8)))
            #expect(error?.code == .tls)
            #expect(error?.isBeforeSend == true)
        }
    }
}
