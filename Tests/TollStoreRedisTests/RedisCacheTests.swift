// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollRuntime
import TollTestKit

@testable import TollStoreRedis

/// The shared cache over real servers, that answer and that do not.
@Suite struct RedisCacheTests {
    /// A cache at `server`, once it has connected.
    private static func connect(_ server: RedisServer, environment: Environment = .live) async throws -> RedisCache {
        let cache = RedisCache(try RedisAddress(parsing: server.url), environment: environment, log: .silent)
        try await Self.waits { cache.isShared }
        return cache
    }

    /// Asks until something is so, for at most some seconds.
    private static func waits(_ isSo: () async -> Bool) async throws {
        for _ in 0..<400 {
            if await isSo() { return }
            try await Task.sleep(for: .milliseconds(25))
        }
        Issue.record("it never came to be so")
    }

    /// Windows go by a clock of the test's, expiry by the server's.
    private struct Harness: SharedCacheHarness {
        let server: RedisServer
        let time = ManualTime(start: .seconds(1_000))

        func open() async throws -> any SharedCache {
            try await RedisCacheTests.connect(self.server, environment: self.time.environment)
        }

        func pass(seconds: Int) async throws {
            self.time.advance(by: .seconds(seconds))
            try await Task.sleep(for: .seconds(seconds))
        }
    }

    @Test(arguments: SharedCacheConformance.Rule.allCases)
    func conforms(rule: SharedCacheConformance.Rule) async throws {
        try await SharedCacheConformance { Harness(server: try await RedisServer.start()) }.run(rule)
    }

    @Test func `what one replica writes and counts, another sees`() async throws {
        let server = try await RedisServer.start()
        let (one, other) = (try await Self.connect(server), try await Self.connect(server))
        await one.setValue(Array("answer".utf8), for: "payment", seconds: 60)
        #expect(await other.value(for: "payment") == Array("answer".utf8))
        #expect(await one.count("payer", window: 3_600) == 1)
        #expect(await other.count("payer", window: 3_600) == 2)
        #expect(await one.count("payer", window: 3_600) == 3)
    }

    @Test func `a server that is killed costs what the others knew, and is found again`() async throws {
        let server = try await RedisServer.start()
        let (one, other) = (try await Self.connect(server), try await Self.connect(server))
        await one.setValue([1], for: "own", seconds: 60)
        await other.setValue([2], for: "others'", seconds: 60)
        #expect(await one.value(for: "others'") == [2])
        try await server.process.kill()
        #expect(await one.value(for: "own") == [1])
        #expect(await one.value(for: "others'") == nil)
        #expect(await one.count("payer", window: 3_600) == 1)
        #expect(await one.count("payer", window: 3_600) == 2)
        try await server.process.start()
        try await Self.waits {
            await one.setValue([3], for: "new", seconds: 60)
            return await other.value(for: "new") == [3]
        }
        #expect(await one.count("payer", window: 3_600) == 3, "what this process counted meanwhile is not forgotten")
    }

    @Test func `a server that hangs costs one call a moment, and the next ones nothing`() async throws {
        let server = try await RedisServer.start()
        let cache = try await Self.connect(server)
        try await server.process.pause()
        let first = await ContinuousClock().measure { #expect(await cache.value(for: "any") == nil) }
        #expect(first < .seconds(1), "it should take a tenth of a second: \(first)")
        let others = await ContinuousClock().measure {
            for _ in 0..<200 { #expect(await cache.value(for: "any") == nil) }
        }
        #expect(others < .seconds(1), "each of two hundred calls should take no time: \(others)")
        try await server.process.resume()
        try await Self.waits {
            await cache.setValue([1], for: "back", seconds: 60)
            return cache.isShared
        }
    }

    @Test func `a password is given, and a wrong one is a server that does not answer`() async throws {
        let server = try await RedisServer.start(["--requirepass", "a:b/c@d"])
        let right = server.url.replacing("unix://", with: "unix://:a%3Ab%2Fc%40d@")
        let other = RedisCache(try RedisAddress(parsing: right), environment: .live, log: .silent)
        try await Self.waits { other.isShared }
        await other.setValue([2], for: "others'", seconds: 60)
        let cache = RedisCache(try RedisAddress(parsing: server.url), environment: .live, log: .silent)
        await cache.setValue([1], for: "key", seconds: 60)
        #expect(await cache.value(for: "key") == [1])
        #expect(await cache.value(for: "others'") == nil)
    }
}

@Suite struct RedisAddressTests {
    @Test(
        arguments: [
            ("redis://cache", "cache:6379", 0), ("redis://cache:7000/3", "cache:7000", 3), ("redis://[::1]:6379", "::1:6379", 0),
            ("redis://user:secret@cache/", "cache:6379", 0), ("redis://:se%40cret@[fe80::1]", "fe80::1:6379", 0),
            ("unix:///run/redis.sock", "/run/redis.sock", 0),
        ])
    func `addresses are read`(url: String, display: String, database: Int) throws {
        let address = try RedisAddress(parsing: url)
        #expect(address.display == display)
        #expect(address.database == database)
        #expect(!"\(address)".contains("secret"))
    }

    @Test(
        arguments: [
            "", "cache:6379", "http://cache", "rediss://cache", "redis://", "redis://cache:0", "redis://cache:65536",
            "redis://cache:x", "redis://cache/x", "redis://cache/-1", "redis://secret@cache", "redis://:%zzsecret@cache",
            "redis://[::1", "unix://relative",
        ])
    func `what is no address is refused, without its password`(url: String) {
        let error = #expect(throws: RedisAddress.ParseError.self) { try RedisAddress(parsing: url) }
        #expect(error?.description.contains("secret") == false)
    }
}
