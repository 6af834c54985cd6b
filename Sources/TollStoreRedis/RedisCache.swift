// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
public import TollPayments
public import TollRuntime

/// The cache that replicas share in a Redis server, and each replica's own beside it.
///
/// Whatever is written or counted is written and counted in both, so a server that is gone, slow or empty costs what the others
/// knew, and nothing else. A call waits for it for a tenth of a second at most, and for a server that is known to be gone not at
/// all.
public final class RedisCache: SharedCache {
    /// Before every key, so that a server may hold other things too.
    private static let prefix = "tollgate:"
    /// How long a call may wait for the server.
    public static let timeout = Duration.milliseconds(100)

    private let pipeline: RedisPipeline
    private let memory: MemoryCache
    private let now: @Sendable () -> Duration

    /// A cache at `address`. Returns at once; until the server has answered, the process' own cache does.
    public init(_ address: RedisAddress, environment: Environment, log: Logger, timeout: Duration = RedisCache.timeout) {
        self.pipeline = RedisPipeline(address, timeout: timeout, log: log)
        self.memory = MemoryCache(now: environment.wallClock)
        self.now = environment.wallClock
    }

    /// Why the server at `address` does not answer; nil when it does.
    public static func probe(_ address: RedisAddress) async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "tollgate.redis.probe").async {
                do throws(RedisError) {
                    _ = try RedisConnection(address, within: .seconds(2)).run([[Array("PING".utf8)]], within: .seconds(2))
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: error.description)
                }
            }
        }
    }

    /// Whether the server answers, as far as is known.
    public var isShared: Bool { self.pipeline.isUp }

    public func value(for key: String) async -> [UInt8]? {
        if let value = await self.memory.value(for: key) { return value }
        guard case .bytes(let value)? = await self.pipeline.run([Self.command("GET", key)])?.first else { return nil }
        return value
    }

    public func setValue(_ value: [UInt8], for key: String, seconds: Int) async {
        await self.memory.setValue(value, for: key, seconds: seconds)
        guard seconds > 0 else { return }
        _ = await self.pipeline.run([Self.command("SET", key) + [value, Array("EX".utf8), Array(String(seconds).utf8)]])
    }

    public func count(_ key: String, window seconds: Int) async -> Int {
        let own = await self.memory.count(key, window: seconds)
        let now = self.now()
        let window = RateWindow(key, seconds: seconds, at: now)
        // A second more than is left: clocks of replicas differ a little.
        let rest = (window.end - now).components.seconds + 2
        let replies = await self.pipeline.run([
            Self.command("INCR", window.key), Self.command("EXPIRE", window.key) + [Array(String(rest).utf8)],
        ])
        guard case .integer(let shared)? = replies?.first else { return own }
        return max(own, Int(shared))
    }

    private static func command(_ name: String, _ key: String) -> RedisCommand {
        [Array(name.utf8), Array((self.prefix + key).utf8)]
    }
}
