// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs worlds: `simulate --seeds 10000 [--from 0]`, `simulate --seed 42` for one with its whole story. `--plant` adds a bug.
@main struct Main {
    static func main() async {
        let options = Options(CommandLine.arguments.dropFirst())
        guard let options else {
            print("usage: simulate --seeds COUNT [--from SEED] [--plant NAME] | --seed SEED [--plant NAME]")
            exit(64)
        }
        let isGood: Bool
        if let seed = options.seed { isGood = await self.show(seed, options.plant) } else { isGood = await self.runMany(options) }
        exit(isGood ? 0 : 1)
    }

    private struct Options {
        var seed: UInt64?
        var seeds: UInt64 = 2_000
        var from: UInt64 = 0
        var plant: Plant?

        init?(_ arguments: ArraySlice<String>) {
            var rest = arguments
            while let name = rest.popFirst() {
                guard let value = rest.popFirst() else { return nil }
                switch (name, UInt64(value), Plant(rawValue: value)) {
                case ("--seed", let number?, _): self.seed = number
                case ("--seeds", let number?, _): self.seeds = number
                case ("--from", let number?, _): self.from = number
                case ("--plant", _, let plant?): self.plant = plant
                default: return nil
                }
            }
        }
    }

    /// The whole story of one seed.
    private static func show(_ seed: UInt64, _ plant: Plant?) async -> Bool {
        let verdict = Shared<Simulation.Verdict?>(nil)
        await OwnThread.run {
            let run = Simulation.run(Scenario(seed: seed, plant: plant), isTraced: true)
            verdict.withLock { $0 = run }
        }
        guard let verdict = verdict.value else { return false }
        print(verdict.trace.joined(separator: "\n"))
        print("seed \(seed): \(verdict.violations.isEmpty ? "no invariant broken" : "\(verdict.violations)")")
        return verdict.violations.isEmpty
    }

    private static func runMany(_ options: Options) async -> Bool {
        let progress = Progress(count: options.seeds)
        let bad = await Simulation.run(
            seeds: options.from..<(options.from + options.seeds), onVerdict: { progress.note($0) }
        ) { Scenario(seed: $0, plant: options.plant) }
        for verdict in bad { print("seed \(verdict.seed): \(verdict.violations)") }
        if let first = bad.first {
            print("what happened last in seed \(first.seed) (`make simulate SEED=\(first.seed)` shows all):")
            await OwnThread.run {
                let again = Simulation.run(Scenario(seed: first.seed, plant: options.plant), isTraced: true)
                print(again.trace.suffix(60).joined(separator: "\n"))
            }
        }
        print("\(options.seeds) seeds, \(bad.count) with a broken invariant")
        return bad.isEmpty
    }
}

/// Says now and then how far a long run is.
final class Progress: Sendable {
    private let count: UInt64
    private let began = ContinuousClock.now
    private let state = Shared<(done: UInt64, bad: UInt64, lastLine: ContinuousClock.Instant)>((0, 0, .now))

    init(count: UInt64) { self.count = count }

    func note(_ verdict: Simulation.Verdict) {
        let line = self.state.withLock { state -> String? in
            state.done += 1
            state.bad += verdict.violations.isEmpty ? 0 : 1
            let now = ContinuousClock.now
            guard now - state.lastLine > .seconds(2) || state.done == self.count else { return nil }
            state.lastLine = now
            return "\(state.done) of \(self.count) seeds in \((now - self.began).components.seconds) s, \(state.bad) broken"
        }
        // Also where standard output is no terminal, a line is there when it is written.
        if let line { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
    }
}
