// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollHTTP
import TollHTTPEngine
import TollRuntime
import TollTestKit

@testable import tollgate

@Suite struct ListenerConfigurationTests {
    /// The findings of a configuration with these lines at its top, without the file's name.
    static func findings(_ top: String, secrets: SecretSource = .process) -> [String] {
        let bytes = Array(Fixture.text(top: top, facilitator: "facilitator: {remote: https://f.example}").utf8)
        let findings = ConfigurationReader.read(bytes, file: "tollgate.yaml", table: Fixture.table, secrets: secrets).findings
        return findings.sorted.map { String($0.description.dropFirst("tollgate.yaml:".count)) }
    }

    static func read(_ top: String) throws -> Configuration {
        let bytes = Array(Fixture.text(top: top, facilitator: "facilitator: {remote: https://f.example}").utf8)
        return try #require(ConfigurationReader.read(bytes, file: "tollgate.yaml", table: Fixture.table).configuration)
    }

    @Test func `one listener, many, files, certificates and a redirect`() throws {
        let authority = try CertificateAuthority()
        let (a, b) = (try authority.issue("a", for: ["DNS:api.example"]), try authority.issue("b", for: ["DNS:b.example"]))
        let configuration = try Self.read(
            """
            public_url: https://api.example
            listen:
              - 127.0.0.1:4020
              - unix:/run/tollgate.sock
              - {address: "unix:/run/other.sock", mode: "0600", group: www-data}
              - {address: "0.0.0.0:443", tls: {cert: "file:\(a.certificate)", key: "file:\(a.key)"}}
              - address: "[::]:444"
                tls:
                  - {cert: "file:\(a.certificate)", key: "file:\(a.key)"}
                  - {cert: "file:\(b.certificate)", key: "file:\(b.key)"}
              - {address: "0.0.0.0:80", redirect_to_https: true}
            """)
        let listen = configuration.listen
        #expect(
            listen.map(\.location.description) == [
                "127.0.0.1:4020", "unix:/run/tollgate.sock", "unix:/run/other.sock", "0.0.0.0:443", "[::]:444", "0.0.0.0:80",
            ])
        #expect(listen.map(\.certificates.count) == [0, 0, 0, 1, 2, 0])
        #expect(listen.map(\.redirectsToHTTPS) == [false, false, false, false, false, true])
        #expect(listen[1].mode == 0o660 && listen[2].mode == 0o600 && listen[2].group == "www-data")
        #expect(configuration.certificateFindings(now: listen[3].certificates[0].identity.expiry - 15 * 86_400).isEmpty)
    }

    @Test func `the default, and the origin that listeners on this machine make`() throws {
        #expect(try Self.read("").publicURL.description == "http://127.0.0.1:4020")
        #expect(try Self.read("listen: ['[::1]:4020', 127.0.0.1:4020]").publicURL.description == "http://[::1]:4020")
        let authority = try CertificateAuthority()
        defer { withExtendedLifetime(authority) {} }
        let issued = try authority.issue("a", for: ["IP:127.0.0.1"])
        let tls = "tls: {cert: 'file:\(issued.certificate)', key: 'file:\(issued.key)'}"
        #expect(try Self.read("listen: {address: '127.0.0.1:4443', \(tls)}").publicURL.description == "https://127.0.0.1:4443")
    }

    @Test(arguments: [
        ("listen: []", "1: error: listen: is empty, so that nobody could connect; write `listen: 127.0.0.1:4020`"),
        (
            "listen: [unix:/run/a.sock]",
            "1: error: listen: others can call this address, and `public_url` is missing; write `public_url:` with the origin "
                + "that clients call, for example `https://api.example.com`"
        ),
        (
            "listen: [127.0.0.1:1, 'unix:']",
            "1: error: listen[1]: `unix:` is no path of a socket; write for example `unix:/run/tollgate/tollgate.sock`, at most "
                + "96 bytes behind `unix:`"
        ),
        (
            "listen: [127.0.0.1:4020, 127.0.0.1:4020]",
            "1: error: listen[1]: 127.0.0.1:4020 is taken by `listen[0]` (127.0.0.1:4020); give each its own port"
        ),
        (
            "listen: {address: 127.0.0.1:1, mode: '0600'}",
            "1: error: listen.mode: only the file of a Unix socket has permissions; remove it"
        ),
        (
            "public_url: https://a.example\nlisten: {address: 'unix:/a', mode: '0888'}",
            "2: error: listen.mode: `0888` is no file's permissions; write three octal digits, for example `\"0660\"`"
        ),
        (
            "public_url: http://127.0.0.1\nlisten: [127.0.0.1:1, {address: '127.0.0.1:2', redirect_to_https: true}]",
            "1: error: public_url: is where `redirect_to_https` sends clients; write an `https` URL"
        ),
        (
            "public_url: https://a.example\nlisten: {address: '127.0.0.1:2', redirect_to_https: true}",
            "2: error: listen: every listener only redirects; add one that serves, for example `{address: 0.0.0.0:443, tls: "
                + "{cert: …, key: …}}`"
        ),
        (
            "listen: {address: 127.0.0.1:1, tls: {cert: 'file:/none/c.pem', key: 'env:NO_SUCH_KEY'}}",
            "1: error: listen.tls.cert: the file /none/c.pem cannot be read: No such file or directory; name a text file that "
                + "this user may read"
        ),
        (
            "listen: {address: 127.0.0.1:1, tls: {cert: /none/c.pem}}",
            "1: error: listen.tls.cert: a secret does not belong in this file; write a reference, `env:NAME` or `file:PATH`, "
                + "never the value itself"
        ),
    ])
    func `a mistake is named`(top: String, finding: String) {
        #expect(Self.findings(top).contains(finding), "\(Self.findings(top))")
    }

    @Test func `certificates and keys that are of no use are named`() throws {
        let authority = try CertificateAuthority()
        let (a, b) = (try authority.issue("a", for: ["DNS:a.example"]), try authority.issue("b", for: ["DNS:b.example"]))
        let place = "1: error: listen.tls"
        for (cert, key, finding) in [
            (
                a.certificate, b.key,
                "\(place).key: the key belongs to another certificate; write the key that the certificate was made for"
            ),
            (
                a.key, a.key,
                "\(place).cert: no certificate in PEM stands there; write the "
                    + "file with the server's certificate first and the intermediate ones behind it"
            ),
            (
                a.certificate, a.certificate,
                "\(place).key: no private key in PEM stands there, or it is under a password; write "
                    + "the file with the private key, without a password"
            ),
        ] {
            #expect(Self.findings("listen: {address: 127.0.0.1:1, tls: {cert: 'file:\(cert)', key: 'file:\(key)'}}") == [finding])
        }
    }

    @Test func `a certificate's end, and a name it is not good for, are told`() throws {
        let authority = try CertificateAuthority()
        defer { withExtendedLifetime(authority) {} }
        let issued = try authority.issue("a", for: ["DNS:a.example"])
        let tls = "tls: {cert: 'file:\(issued.certificate)', key: 'file:\(issued.key)'}"
        let configuration = try Self.read("public_url: https://other.example\nlisten: {address: '127.0.0.1:1', \(tls)}")
        let expiry = try #require(configuration.listen.first?.certificates.first).identity.expiry
        let name =
            "tollgate.yaml:2: warning: listen.tls: no certificate is good for other.example, the host of "
            + "`public_url`; get one for that name"
        #expect(configuration.certificateFindings(now: expiry - 20 * 86_400).map(\.description) == [name])
        #expect(
            configuration.certificateFindings(now: expiry - 3 * 86_400 - 1).map(\.description) == [
                "tollgate.yaml:2: warning: listen.tls: the certificate ends in 3 days; renew it", name,
            ])
        #expect(
            configuration.certificateFindings(now: expiry).map(\.description) == [
                "tollgate.yaml:2: warning: listen.tls: the certificate has ended: clients refuse it; renew it", name,
            ])
    }

    @Test func `a renewed certificate is taken up, and half of one is not`() async throws {
        let authority = try CertificateAuthority()
        let (old, new) = (try authority.issue("old", for: ["DNS:a.example"]), try authority.issue("new", for: ["DNS:a.example"]))
        let configuration = try Self.read(
            "listen: {address: '127.0.0.1:1', tls: {cert: 'file:\(old.certificate)', key: 'file:\(old.key)'}}")
        let files = Mutex([old.certificate: old.certificate, old.key: old.key])
        let secrets = SecretSource(
            variable: { _ in nil },
            file: { (path) throws(FileError) in
                try FileContents.read(files.withLock { $0[path] ?? path }, byteCountMax: 65_536)
            })
        let lines = Mutex<[String]>([])
        let log = Logger(clock: { .zero }, write: { line in lines.withLock { $0.append(line) } })
        let listener = try #require(configuration.listen.first)
        let certificates = ServedCertificates([
            (ServerTLS(listener.certificates.map(\.identity)), listener.location, listener.certificates)
        ])
        func look() -> Int {
            let before = lines.withLock { $0.count }
            certificates.reread(from: secrets, log: log)
            return lines.withLock { $0.count } - before
        }
        #expect(look() == 0)
        files.withLock { $0[old.certificate] = new.certificate }
        #expect(look() == 1)
        #expect(lines.withLock { $0.last?.contains("the key belongs to another certificate") } == true)
        files.withLock { $0[old.key] = new.key }
        #expect(look() == 1)
        #expect(lines.withLock { $0.last?.contains("certificates renewed") } == true)
        #expect(look() == 0)
    }

    @Test func `clients connect to what is written`() async throws {
        let authority = try CertificateAuthority()
        let issued = try authority.issue("a", for: ["DNS:api.example"])
        let socket = authority.path(of: "socket")
        let configuration = try Self.read(
            """
            public_url: https://api.example
            listen:
              - "unix:\(socket)"
              - {address: "127.0.0.1:0", tls: {cert: "file:\(issued.certificate)", key: "file:\(issued.key)"}}
              - {address: "127.0.0.1:0", redirect_to_https: true}
            """)
        let listeners = try ServedListeners(configuration)
        let server = try await HTTPServer(
            group: EventLoopGroup(count: 1), endpoints: listeners.gateway, handler: Nobody(),
            limits: .patient)
        let request = "GET /x HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n"
        for (client, start) in [
            (try RawClient(path: socket), "HTTP/1.1 418 "), (try RawClient(port: server.addresses[1].port), "HTTP/1.1 400 "),
            (try RawClient(port: server.addresses[2].port), "HTTP/1.1 308 "),
        ] {
            client.send(request)
            let answer = client.receiveAll()
            #expect(answer.hasPrefix(start))
            #expect(answer.contains("Location: https://api.example/x\r\n") == (start == "HTTP/1.1 308 "))
        }
        try listeners.takeUp(Self.read("public_url: https://other.example"))
        let client = try RawClient(port: server.addresses[2].port)
        client.send(request.replacing("api.example", with: "other.example"))
        #expect(client.receiveAll().contains("Location: https://other.example/x\r\n"))
        await server.drain(within: .zero)
    }

    @Test func `the operator's interface and the facilitator listen in the same words`() async throws {
        let authority = try CertificateAuthority()
        let issued = try authority.issue("a", for: ["IP:127.0.0.1"])
        let socket = authority.path(of: "admin")
        let tls = "tls: {cert: \"file:\(issued.certificate)\", key: \"file:\(issued.key)\"}"
        let text = Fixture.text(
            top: "admin: {listen: [{address: \"unix:\(socket)\", mode: \"0600\"}, {address: \"127.0.0.1:0\", \(tls)}]}",
            facilitator: """
                facilitator:
                  signers: {eip155: env:TOLLGATE_EVM_KEY}
                  serve: {listen: [127.0.0.1:4022, {address: "0.0.0.0:4023", \(tls)}], tokens: [env:TOKEN]}
                """)
        let secrets = SecretSource(
            variable: { ["TOLLGATE_EVM_KEY": String(repeating: "ab", count: 32), "TOKEN": "a-long-token"][$0] },
            file: { (path) throws(FileError) in try FileContents.read(path, byteCountMax: 65_536) })
        let read = ConfigurationReader.read(Array(text.utf8), file: "tollgate.yaml", table: Fixture.table, secrets: secrets)
        let configuration = try #require(read.configuration, "\(read.findings.text)")
        #expect(
            configuration.everyListener.map(\.location.description) == [
                "127.0.0.1:4020", "unix:\(socket)", "127.0.0.1:0", "127.0.0.1:4022", "0.0.0.0:4023",
            ])
        #expect(configuration.everyListener.map(\.isSecure) == [false, false, true, false, true])
        let expiry = try #require(configuration.admin?.listen.last?.certificates.first).identity.expiry
        #expect(
            configuration.certificateFindings(now: expiry).map(\.path) == [
                "admin.listen[1].tls", "facilitator.serve.listen[1].tls",
            ])
        let listeners = try ServedListeners(configuration)
        #expect(listeners.facilitator.map { $0.tls != nil } == [false, true])
        let server = try await HTTPServer(
            group: EventLoopGroup(count: 1), endpoints: listeners.admin, handler: Nobody(), limits: .patient)
        for (client, start) in [
            (try RawClient(path: socket), "HTTP/1.1 418 "), (try RawClient(port: server.addresses[1].port), "HTTP/1.1 400 "),
        ] {
            client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(client.receiveAll().hasPrefix(start))
        }
        await server.drain(within: .zero)
    }

    private struct Nobody: RequestHandler {
        func handle(_ request: Request, _ responder: consuming Responder) async {
            try? await responder.send(ResponseHead(status: 418))
        }
    }

    @Test func `connections that do not fit into the open files are told`() throws {
        // One upstream at one address, 256 connections to it in each of two loops.
        let configuration = try Self.read("limits: {connections: 1000}")
        #expect(configuration.fileFinding(limit: 1_576, kept: 64, loops: 2) == nil)
        #expect(configuration.fileFinding(limit: 0, kept: 0, loops: 2) == nil)
        let finding = try #require(configuration.fileFinding(limit: 1_575, kept: 64, loops: 2))
        #expect(
            finding.description == "tollgate.yaml:1: warning: limits.connections: 1000 clients, and as many as 512 connections "
                + "to upstreams, do not fit into the 1575 files that a process may open here; those over it wait until others "
                + "have gone; raise the limit (`LimitNOFILE=` of the service, `ulimit -Hn`), or write a lower number")
        #expect(try Self.read("").fileFinding(limit: 1_024, kept: 64, loops: 1)?.path == "limits.connections")
    }

    @Test func `every limit is taken over`() throws {
        let limits = try Self.read(
            """
            limits:
              {header_count: 50, connections_per_address: 20, body_idle_time: 7s, body_rate: 1KiB, write_idle_time: 9s,
               requests_per_connection: 7, connection_time: 2d}
            """
        ).limits
        #expect(limits.headerCount == 50 && limits.connectionsPerAddress == 20 && limits.bodyRate == 1_024)
        #expect(limits.requestsPerConnection == 7 && limits.connectionTime == .seconds(2 * 86_400))
        #expect(limits.bodyIdleTime == .seconds(7) && limits.writeIdleTime == .seconds(9))
        #expect(try Self.read("limits: {body_rate: 0B}").limits.bodyRate == 0)
    }
}
