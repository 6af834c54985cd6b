// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import simulate

/// Whole worlds, each replayed exactly by its seed. Thousands of them run optimized, by `make simulate`.
@Suite struct SimulationTests {
    /// Worlds that this suite goes through, in a debug build.
    private static let seeds: Range<UInt64> = 0..<60

    @Test func `no invariant is broken in any world`() async {
        let bad = await Simulation.run(seeds: Self.seeds) { Scenario(seed: $0) }
        for verdict in bad.prefix(3) { Self.complain(verdict) }
        #expect(bad.count == 0, "seeds \(bad.map(\.seed)) broke an invariant")
    }

    @Test(arguments: Plant.allCases)
    func `a planted bug is found within 500 worlds`(_ plant: Plant) async {
        let bad = await Simulation.run(seeds: 0..<500, isEnough: { _ in true }) { Scenario(seed: $0, plant: plant) }
        let seeds = Set(bad.map(\.seed))
        // What a world without the bug does not show.
        let clean = await Simulation.run(seeds: 0..<(bad.map(\.seed).max().map { $0 + 1 } ?? 0)) { Scenario(seed: $0) }
        #expect(!seeds.subtracting(clean.map(\.seed)).isEmpty, "\(plant) was not found")
    }

    @Test(arguments: [3, 14, 159] as [UInt64])
    func `a seed replays to the letter`(_ seed: UInt64) async {
        let traces = Shared<[[String]]>([])
        for _ in 0..<2 {
            await OwnThread.run {
                let verdict = Simulation.run(Scenario(seed: seed), isTraced: true)
                traces.withLock { $0.append(verdict.trace) }
            }
        }
        #expect(traces.value[0].count > 10)
        #expect(traces.value[0] == traces.value[1])
    }

    /// `deferred` is for payers who have paid before, and so the second visit of one.
    @Test(arguments: ["/after", "/before", "/unstored", "/deferred"], [Scenario.Visit.Style.buyer, .concurrent])
    func `a crash before or after any write breaks no invariant`(_ route: String, _ style: Scenario.Visit.Style) async {
        let isSecond = route == "/deferred"
        func visit(_ path: String, at time: Duration) -> Scenario.Visit {
            Scenario.Visit(style: style, trick: .none, buyer: 0, path: path, isPost: style == .buyer, at: time)
        }
        let visits = (isSecond ? [visit("/after/0", at: .zero)] : []) + [visit("\(route)/1", at: isSecond ? .seconds(15) : .zero)]
        await OwnThread.run {
            let writes = Simulation.run(Scenario(quiet: 1, visits: visits)).writes
            let first = isSecond ? Simulation.run(Scenario(quiet: 1, visits: [visits[0]], end: .seconds(14))).writes : 0
            for crash in (first..<min(writes, first + 20)).flatMap({ [($0, false), ($0, true)] }) {
                let planned = SimulatedDisk.PlannedCrash(write: crash.0, isAfter: crash.1)
                let verdict = Simulation.run(Scenario(quiet: 1, visits: visits, plannedCrash: planned))
                #expect(verdict.violations.isEmpty, "a crash \(crash.1 ? "after" : "before") write \(crash.0)")
            }
        }
    }

    @Test(arguments: Scenario.transferRoutes, Scenario.Transfer.Plan.allCases)
    func `whoever sends a transfer as asked for gets its call, and nobody else`(
        _ route: String, _ plan: Scenario.Transfer.Plan
    ) async {
        let visits = [Self.transfer(plan, "\(route)/1")]
        let isPaid =
            switch plan {
            case .exact, .topUp, .tooMuch, .shared, .silent, .replaced, .reused, .reverting: true
            case .tooLittle, .early, .invented: false
            // A block may come in time, or not: the minute of grace is less than what is waited for.
            case .expiring, .late: Bool?.none
            }
        await OwnThread.run {
            let verdict = Simulation.run(Scenario(quiet: 1, visits: [], transfers: visits), isTraced: true)
            #expect(verdict.violations.isEmpty)
            let isServed = verdict.trace.contains { $0.contains("of \(route)/1 go to payer 0") }
            #expect(isPaid == nil || isServed == isPaid, "\(route) \(plan)")
        }
    }

    @Test(arguments: Scenario.transferRoutes, [Scenario.Transfer.Plan.exact, .topUp])
    func `a crash before or after any write for a transfer breaks no invariant`(
        _ route: String, _ plan: Scenario.Transfer.Plan
    ) async {
        let transfers = [Self.transfer(plan, "\(route)/1")]
        await OwnThread.run {
            let writes = Simulation.run(Scenario(quiet: 1, visits: [], transfers: transfers)).writes
            for crash in (0..<min(writes, 12)).flatMap({ [($0, false), ($0, true)] }) {
                let planned = SimulatedDisk.PlannedCrash(write: crash.0, isAfter: crash.1)
                let verdict = Simulation.run(Scenario(quiet: 1, visits: [], transfers: transfers, plannedCrash: planned))
                #expect(verdict.violations.isEmpty, "a crash \(crash.1 ? "after" : "before") write \(crash.0)")
            }
        }
    }

    private static func transfer(_ plan: Scenario.Transfer.Plan, _ path: String) -> Scenario.Transfer {
        Scenario.Transfer(
            plan: plan, style: .patient, buyer: 0, path: path, isPost: false, at: .zero, resends: true)
    }

    @Test func `a fault that never came about is named`() {
        let faults: [Fault: Int] = [.rpcLost: 3, .reorganisation2: 1]
        let verdicts = (0..<2).map { Simulation.Verdict(seed: $0, violations: [], writes: 0, faults: faults, trace: []) }
        let report = FaultReport(verdicts)
        #expect(report.total == 8 && report.kinds == 2)
        #expect(report.missing == Fault.allCases.filter { $0 != .rpcLost && $0 != .reorganisation2 })
        #expect(
            report.lines == [
                "    times   worlds  what went wrong",
                "        6        2  RPC requests or replies lost",
                "        2        2  reorganisations of depth 2 that took a transaction",
            ])
    }

    /// The seed, what was broken, and what happened last. The trace comes from a second run: it is the same.
    private static func complain(_ verdict: Simulation.Verdict) {
        let again = Simulation.run(Scenario(seed: verdict.seed), isTraced: true)
        let words = verdict.violations.map(\.description).joined(separator: "\n  ")
        let trace = again.trace.suffix(60).joined(separator: "\n    ")
        Issue.record(
            """
            seed \(verdict.seed):
              \(words)
              what happened last (`make simulate SEED=\(verdict.seed)` shows all):
                \(trace)
            """)
    }
}
