// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollRuntime

/// A process that can be killed: from then on none of its tasks has any effect on the world.
///
/// What it waits for ends at once and in failure, and everything outside refuses it: so its tasks run to their ends without
/// anybody noticing, and nothing is left of them.
final class SimulatedProcess: Sendable {
    private struct State {
        var isAlive = true
        var nextTask = 0
        var tasks: [Int: Task<Void, Never>] = [:]
    }

    let name: String
    let executor: SeededExecutor
    private let dice: Dice
    /// How far its wall clock is off.
    private let skew: @Sendable () -> Duration
    private let state = Mutex(State())
    /// Brings a value when it was killed.
    let death = Waiting<Void>()

    init(_ name: String, executor: SeededExecutor, dice: Dice, skew: @escaping @Sendable () -> Duration) {
        self.name = name
        self.executor = executor
        self.dice = dice
        self.skew = skew
    }

    var isAlive: Bool { self.state.withLock { $0.isAlive } }

    /// Ends it at this instant.
    func kill() {
        let tasks = self.state.withLock { state in
            state.isAlive = false
            defer { state.tasks = [:] }
            return state.tasks.sorted { $0.key < $1.key }.map(\.value)
        }
        for task in tasks { task.cancel() }
        self.death.resume(())
    }

    /// Begins a task of this process; nothing when it is dead.
    func spawn(_ body: @escaping @Sendable () async -> Void) {
        let id = self.state.withLock { state -> Int? in
            guard state.isAlive else { return nil }
            state.nextTask += 1
            return state.nextTask
        }
        guard let id else { return }
        let task = self.executor.spawn {
            await body()
            self.state.withLock { _ = $0.tasks.removeValue(forKey: id) }
        }
        self.state.withLock { $0.tasks[id] = task }
    }

    /// Runs services until it dies.
    func run(_ services: [any Service]) {
        for service in services { self.spawn { try? await service.run() } }
    }

    /// Its clocks and its randomness.
    var environment: Environment {
        Environment(
            wallClock: { .seconds(Int64(SimulatedChain.epoch)) + self.executor.now + self.skew() },
            monotonic: { self.executor.now },
            sleep: { duration in
                guard self.isAlive else { throw CancellationError() }
                try await self.executor.sleep(duration)
            },
            randomBytes: { self.dice.bytes($0) }
        )
    }
}
