// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import TollHTTP
import TollRuntime
import TollTestKit

@testable import TollHTTPEngine

@Suite struct ListenerTests {
    static let anywhere = ServerEndpoint.Location.tcp(host: "127.0.0.1", port: 0)
    static let request = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

    /// A directory, and a socket's path in it.
    struct Place {
        let directory: TemporaryDirectory
        let path: String

        init() throws {
            self.directory = try TemporaryDirectory(prefix: "tollgate-listener")
            self.path = "\(self.directory.path)/socket"
        }

        /// Kind and permissions of what stands there; nil for nothing.
        var mode: UInt32? {
            var file = stat()
            return unsafe lstat(self.path, &file) == 0 ? file.st_mode : nil
        }
    }

    @Test func `one server answers on several addresses and on a file`() async throws {
        let place = try Place()
        let file = ServerEndpoint(.unix(UnixSocketFile(path: place.path)))
        let server = try await TestServer(
            loops: 2, endpoints: [ServerEndpoint(Self.anywhere), file, ServerEndpoint(Self.anywhere)]
        ) {
            request, responder in
            try await responder.send(ResponseHead(status: 200), body: Array("\(request.peer.isUnix)".utf8))
        }
        let addresses = server.server.addresses
        #expect(addresses.map(\.isUnix) == [false, true, false])
        for _ in 0..<8 {
            for (client, isUnix) in [
                (try RawClient(port: addresses[0].port), false), (try RawClient(path: place.path), true),
                (try RawClient(port: addresses[2].port), false),
            ] {
                client.send(Self.request)
                #expect(client.receiveAll().hasSuffix("\r\n\r\n\(isUnix)"))
            }
        }
        await server.server.drain(within: .seconds(60))
        #expect(place.mode == nil)
        #expect(throws: RawClient.Failure.self) { try RawClient(port: addresses[2].port) }
    }

    @Test func `the file has the permissions asked for`() async throws {
        let place = try Place()
        let file = UnixSocketFile(path: place.path, mode: 0o602)
        let server = try await TestServer(endpoints: [ServerEndpoint(.unix(file))])
        #expect(place.mode == S_IFSOCK | 0o602)
        await server.server.drain(within: .zero)
    }

    @Test func `a group that does not exist leaves nothing behind`() async throws {
        let place = try Place()
        let file = UnixSocketFile(path: place.path, group: "no such group")
        await #expect(throws: HTTPError.self) { try await TestServer(endpoints: [ServerEndpoint(.unix(file))]) }
        #expect(place.mode == nil)
    }

    @Test func `a socket that a dead server left is taken over, one that lives is not`() async throws {
        let place = try Place()
        let endpoints = [ServerEndpoint(.unix(UnixSocketFile(path: place.path)))]
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: place.path.utf8) }
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(status == 0)
        close(dead)
        let server = try await TestServer(endpoints: endpoints)
        await #expect { try await TestServer(endpoints: endpoints) } throws: { ($0 as? HTTPError)?.code == .unavailable }
        let client = try RawClient(path: place.path)
        client.send(Self.request)
        #expect(client.receiveAll().hasSuffix("GET /a "))
        await server.server.drain(within: .zero)
    }

    @Test func `a file that is no socket is not touched`() async throws {
        let place = try Place()
        close(unsafe open(place.path, O_CREAT | O_WRONLY, 0o644))
        let endpoints = [ServerEndpoint(Self.anywhere), ServerEndpoint(.unix(UnixSocketFile(path: place.path)))]
        await #expect { try await TestServer(endpoints: endpoints) } throws: { ($0 as? HTTPError)?.code == .unavailable }
        #expect(place.mode == S_IFREG | 0o644)
    }

    @Test func `a server that stops leaves the file of the one that came after it`() async throws {
        let place = try Place()
        let endpoints = [ServerEndpoint(.unix(UnixSocketFile(path: place.path)))]
        let first = try await TestServer(endpoints: endpoints)
        unsafe unlink(place.path)
        let second = try await TestServer(endpoints: endpoints)
        await first.server.drain(within: .zero)
        #expect(place.mode == S_IFSOCK | 0o660)
        await second.server.drain(within: .zero)
        #expect(place.mode == nil)
    }

    @Test func `an endpoint may have a handler of its own`() async throws {
        let redirect = HTTPSRedirect(to: Origin(scheme: .https, host: "api.example"))
        let server = try await TestServer(endpoints: [
            ServerEndpoint(Self.anywhere), ServerEndpoint(Self.anywhere, handler: redirect),
        ])
        #expect(try server.talk(Self.request).hasSuffix("GET /a "))
        let port = server.server.addresses[1].port
        for (request, status, location) in [
            ("POST //evil.example/%2e?q HTTP/1.1\r\nHost: API.example:8080", 308, "https://api.example//evil.example/%2e?q"),
            ("GET http://api.example/b HTTP/1.1\r\nHost: evil.example", 308, "https://api.example/b"),
            ("GET / HTTP/1.1\r\nHost: evil.example", 421, nil), ("GET / HTTP/1.0", 421, nil),
            ("GET http://evil.example/ HTTP/1.1\r\nHost: api.example", 421, nil),
            ("OPTIONS * HTTP/1.1\r\nHost: api.example", 421, nil),
        ] {
            let client = try RawClient(port: port)
            client.send("\(request)\r\nConnection: close\r\n\r\n")
            let answer = client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(location.map { answer.contains("\r\nLocation: \($0)\r\n") } ?? !answer.contains("Location"))
        }
    }

    @Test func `connections are counted by IPv4 address or IPv6 network, and this machine's are not`() throws {
        func network(_ ip: String) throws -> UInt64 { try #require(SocketAddress(ip: ip, port: 1)).network }
        #expect(
            try network("127.0.0.1") == 0 && network("127.9.9.9") == 0 && network("::1") == 0 && network("::ffff:127.0.0.1") == 0)
        #expect(try network("192.0.2.1") == network("::ffff:192.0.2.1") && network("192.0.2.1") != network("192.0.2.2"))
        #expect(
            try network("2001:db8::1") == network("2001:db8::2:0:0:1") && network("2001:db8::1") != network("2001:db8:0:1::1"))
        let counts = NetworkCounts()
        let one = try network("192.0.2.1")
        #expect(counts.enter(one, limit: 2) && counts.enter(one, limit: 2) && !counts.enter(one, limit: 2))
        #expect(try counts.enter(network("192.0.2.2"), limit: 2))
        counts.leave(one)
        #expect(counts.enter(one, limit: 2) && !counts.enter(one, limit: 2))
        for _ in 0..<10 { #expect(counts.enter(0, limit: 2)) }
    }
}
