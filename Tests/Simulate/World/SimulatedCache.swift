// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollPayments
import TollRuntime

/// How the cache that replicas share behaves: rates are of a thousand calls.
struct CacheWeather: Sendable {
    /// The answer comes when nobody waits for it any more.
    var slow = 0
    /// No answer: the connection is gone.
    var fail = 0
    /// The server has been started anew and is empty.
    var forget = 0
    /// Nobody reaches it in this time.
    var outage: Range<Duration>?
    var calmFrom = Duration.seconds(300)
}

/// The server of the cache that replicas share.
final class CacheServer: Sendable {
    enum Reach { case answered, late, none }

    let executor: SeededExecutor
    private let weather: CacheWeather
    private let tally: Tally
    private let dice: Dice
    private let memory: Mutex<MemoryCache>

    init(weather: CacheWeather, executor: SeededExecutor, tally: Tally, seed: UInt64) {
        self.weather = weather
        self.executor = executor
        self.tally = tally
        self.dice = Dice(seed: seed, "cache")
        self.memory = Mutex(Self.empty(executor))
    }

    private static func empty(_ executor: SeededExecutor) -> MemoryCache {
        MemoryCache(now: { .seconds(Int64(SimulatedChain.epoch)) + executor.now })
    }

    /// What it holds now.
    var held: MemoryCache { self.memory.withLock { $0 } }

    /// What becomes of one call.
    func reach() -> Reach {
        guard self.executor.now < self.weather.calmFrom else { return .answered }
        if self.dice.happens(perMille: self.weather.forget) {
            self.tally.note(.cacheForgot)
            self.memory.withLock { $0 = Self.empty(self.executor) }
        }
        if self.weather.outage?.contains(self.executor.now) ?? false || self.dice.happens(perMille: self.weather.fail) {
            self.tally.note(.cacheFailed)
            return .none
        }
        guard self.dice.happens(perMille: self.weather.slow) else { return .answered }
        self.tally.note(.cacheLate)
        return .late
    }

    func latency() -> Duration { self.dice.milliseconds(in: 1...3) }
}

/// A replica's way to the shared cache, with its own beside it, as `RedisCache` has it: whatever the server does costs what the
/// others knew, and a tenth of a second.
struct SimulatedCache: SharedCache {
    private static let timeout = Duration.milliseconds(100)

    private let server: CacheServer
    private let process: SimulatedProcess
    private let own: MemoryCache

    init(_ server: CacheServer, _ process: SimulatedProcess) {
        self.server = server
        self.process = process
        self.own = MemoryCache(now: process.environment.wallClock)
    }

    func value(for key: String) async -> [UInt8]? {
        if let value = await self.own.value(for: key) { return value }
        guard let server = await self.reached() else { return nil }
        return await server.value(for: key)
    }

    func setValue(_ value: [UInt8], for key: String, seconds: Int) async {
        await self.own.setValue(value, for: key, seconds: seconds)
        // Who gives up waiting does not know whether the value got there; it may have.
        guard let server = await self.reached(mayArriveLate: true) else { return }
        await server.setValue(value, for: key, seconds: seconds)
    }

    func count(_ key: String, window seconds: Int) async -> Int {
        let own = await self.own.count(key, window: seconds)
        guard let server = await self.reached(mayArriveLate: true) else { return own }
        return max(own, await server.count(key, window: seconds))
    }

    /// The server, when the call gets there and, unless it is of use all the same, in time.
    private func reached(mayArriveLate: Bool = false) async -> MemoryCache? {
        guard self.process.isAlive else { return nil }
        let reach = self.server.reach()
        switch reach {
        case .none: return nil
        case .answered: try? await self.server.executor.sleep(self.server.latency())
        case .late: try? await self.server.executor.sleep(Self.timeout)
        }
        guard self.process.isAlive, reach == .answered || mayArriveLate else { return nil }
        return self.server.held
    }
}
