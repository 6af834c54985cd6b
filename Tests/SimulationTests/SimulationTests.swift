// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

/// Whole worlds, each replayed exactly by its seed: `make simulate SEED=n` shows one, `make simulate SEEDS=n` runs many.
@Suite struct SimulationTests {
    /// Worlds that every test run goes through.
    private static let usualSeeds: UInt64 = 2_000

    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func `no invariant is broken in any world`() async {
        if let seed = Self.setting("TOLLGATE_SEED") {
            await Self.show(seed)
            return
        }
        let count = Self.setting("TOLLGATE_SEEDS") ?? Self.usualSeeds
        let first = Self.setting("TOLLGATE_FIRST_SEED") ?? 0
        let progress = Self.setting("TOLLGATE_SEEDS").map { Progress(count: $0) }
        let bad = await Simulation.run(seeds: first..<(first + count), onVerdict: { progress?.note($0) }) { Scenario(seed: $0) }
        if progress != nil { for verdict in bad { print("seed \(verdict.seed): \(verdict.violations)") } }
        for verdict in bad.prefix(3) { Self.complain(verdict) }
        #expect(bad.count == 0, "\(bad.count) of \(count) worlds broke an invariant: \(bad.prefix(50).map(\.seed))")
    }

    @Test(arguments: Plant.allCases)
    func `a planted bug is found within 500 worlds`(_ plant: Plant) async {
        let bad = await Simulation.run(seeds: 0..<500, isEnough: { _ in true }) { Scenario(seed: $0, plant: plant) }
        #expect(!bad.isEmpty, "\(plant) was not found")
    }

    @Test func `a seed replays to the letter`() async {
        for seed in [3, 14, 159] as [UInt64] {
            let traces = Shared<[[String]]>([])
            for _ in 0..<2 {
                await OwnThread.run {
                    let verdict = Simulation.run(Scenario(seed: seed), isTraced: true)
                    traces.withLock { $0.append(verdict.trace) }
                }
            }
            let (first, second) = (traces.value[0], traces.value[1])
            #expect(first.count > 20)
            #expect(first == second, "seed \(seed) ran in two ways")
        }
    }

    // MARK: - Words

    /// The whole story of one seed.
    private static func show(_ seed: UInt64) async {
        await OwnThread.run {
            let verdict = Simulation.run(Scenario(seed: seed), isTraced: true)
            print(verdict.trace.joined(separator: "\n"))
            print("seed \(seed): " + (verdict.violations.isEmpty ? "all invariants hold" : "\(verdict.violations)"))
        }
    }

    /// The seed, what was broken, and what happened last. The trace comes from a second run: it is the same.
    private static func complain(_ verdict: Simulation.Verdict) {
        let again = Simulation.run(Scenario(seed: verdict.seed), isTraced: true)
        let words = verdict.violations.map(\.description).joined(separator: "\n  ")
        let trace = again.trace.suffix(60).joined(separator: "\n    ")
        Issue.record("seed \(verdict.seed):\n  \(words)\n  what happened last (make simulate SEED=\(verdict.seed) shows all):\n    \(trace)")
    }
}

/// Says now and then how far a long run is.
final class Progress: Sendable {
    private let count: UInt64
    private let began = ContinuousClock.now
    private let state = Mutex<(done: UInt64, bad: [UInt64], lastLine: ContinuousClock.Instant)>((0, [], .now))

    init(count: UInt64) { self.count = count }

    func note(_ verdict: Simulation.Verdict) {
        let line = self.state.withLock { state -> String? in
            state.done += 1
            if !verdict.violations.isEmpty { state.bad.append(verdict.seed) }
            let now = ContinuousClock.now
            guard now - state.lastLine > .seconds(2) || state.done == self.count else { return nil }
            state.lastLine = now
            let seconds = (now - self.began).components.seconds
            return "\(state.done) of \(self.count) seeds in \(seconds) s, broken: \(state.bad.count) \(state.bad.sorted().prefix(12))"
        }
        if let line { print(line) }
    }
}
