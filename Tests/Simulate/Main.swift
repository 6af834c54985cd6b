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
        for line in FaultReport([verdict]).lines { print(line) }
        let violations = verdict.violations.map { "\n  \($0)" }.joined()
        print("seed \(seed): \(violations.isEmpty ? "no invariant broken" : "broken:\(violations)")")
        return verdict.violations.isEmpty
    }

    private static func runMany(_ options: Options) async -> Bool {
        let progress = Progress(count: options.seeds)
        let bad = await Simulation.run(
            seeds: options.from..<(options.from + options.seeds), onVerdict: { progress.note($0) }
        ) { Scenario(seed: $0, plant: options.plant) }
        progress.end()
        if let first = bad.first {
            print("what happened last in seed \(first.seed) (`make simulate SEED=\(first.seed)` shows all):")
            await OwnThread.run {
                let again = Simulation.run(Scenario(seed: first.seed, plant: options.plant), isTraced: true)
                print(again.trace.suffix(60).joined(separator: "\n"))
            }
        }
        let report = progress.report
        for line in report.lines { print(line) }
        let missing = options.seeds >= FaultReport.seedsThatShowAll ? report.missing : []
        for fault in missing { print("never came about: \(fault.rawValue)") }
        let faults = "\(report.total) faults of \(report.kinds) kinds"
        print("\(options.seeds) seeds in \(progress.seconds) s, \(faults): \(Self.words(bad))")
        return bad.isEmpty && missing.isEmpty
    }

    /// What broke, by invariant.
    private static func words(_ bad: [Simulation.Verdict]) -> String {
        guard !bad.isEmpty else { return "no invariant broken" }
        let broken = Set(bad.flatMap { $0.violations.map(\.invariant) }).sorted().map { invariant in
            let seeds = bad.filter { $0.violations.contains { $0.invariant == invariant } }.map { "\($0.seed)" }
            return "\(invariant) by \(seeds.prefix(8).joined(separator: ", "))\(seeds.count > 8 ? " …" : "")"
        }
        return "\(bad.count) broke an invariant, \(broken.joined(separator: "; "))"
    }
}

/// How often each fault came about, and in how many worlds.
struct FaultReport: Sendable {
    /// In so many worlds every fault comes about many times; one that does not is not tried any more.
    static let seedsThatShowAll: UInt64 = 1_000

    private var counts: [Fault: (times: Int, worlds: Int)] = [:]

    init(_ verdicts: [Simulation.Verdict] = []) {
        for verdict in verdicts { self.add(verdict) }
    }

    mutating func add(_ verdict: Simulation.Verdict) {
        for (fault, times) in verdict.faults {
            let old = self.counts[fault] ?? (0, 0)
            self.counts[fault] = (old.times + times, old.worlds + 1)
        }
    }

    var total: Int { self.counts.values.reduce(0) { $0 + $1.times } }
    var kinds: Int { self.counts.count }

    /// What never happened.
    var missing: [Fault] { Fault.allCases.filter { self.counts[$0] == nil } }

    /// A table with a row for each fault that came about.
    var lines: [String] {
        let rows = Fault.allCases.compactMap { fault in
            self.counts[fault].map { Self.row("\($0.times)", "\($0.worlds)", fault.rawValue) }
        }
        return [Self.row("times", "worlds", "what went wrong")] + rows
    }

    private static func row(_ times: String, _ worlds: String, _ words: String) -> String {
        let cells = [times, worlds].map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }
        return cells.joined() + "  " + words
    }
}

/// Says how far a long run is: on a terminal in one line that changes, elsewhere in a line now and then.
final class Progress: Sendable {
    private struct State {
        var done: UInt64 = 0
        var bad: UInt64 = 0
        var lastLine = ContinuousClock.now
        var report = FaultReport()
    }

    private let count: UInt64
    private let began = ContinuousClock.now
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private let state = Shared(State())

    init(count: UInt64) { self.count = count }

    var report: FaultReport { self.state.withLock { $0.report } }

    var seconds: Int64 { (ContinuousClock.now - self.began).components.seconds }

    func note(_ verdict: Simulation.Verdict) {
        let line = self.state.withLock { state -> String? in
            state.done += 1
            state.bad += verdict.violations.isEmpty ? 0 : 1
            state.report.add(verdict)
            let now = ContinuousClock.now
            guard now - state.lastLine > (self.isTerminal ? .milliseconds(200) : .seconds(10)) else { return nil }
            state.lastLine = now
            let left = Double(self.count - state.done) * ((now - self.began) / .seconds(1)) / Double(state.done)
            return "\(state.done) of \(self.count) seeds, \(state.bad) broken, \(Int(left.rounded())) s left"
        }
        for violation in verdict.violations {
            self.write("\(self.isTerminal ? "\r\u{1B}[K" : "")seed \(verdict.seed): \(violation)\n")
        }
        if let line { self.write(self.isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n") }
    }

    /// What comes next begins in a line of its own.
    func end() { if self.isTerminal { self.write("\r\u{1B}[K") } }

    /// Also where standard output is no terminal, a line is there when it is written.
    private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
