// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs seeds, each on one thread.
enum Simulation {
    /// How one seed went.
    struct Verdict: Sendable {
        let seed: UInt64
        let violations: [Violation]
        /// How often the gateway's ledger was written to.
        let writes: Int
        /// What went wrong in its world, and how often.
        let faults: [Fault: Int]
        let trace: [String]
    }

    /// Runs one world to its end and looks at it. Blocks the thread.
    static func run(_ scenario: Scenario, isTraced: Bool = false) -> Verdict {
        let world = World(scenario, isTraced: isTraced)
        let end = world.run()
        world.countAftermath()
        let violations = Checker.check(world, end: end)
        return Verdict(
            seed: scenario.seed, violations: violations, writes: world.disk.writeCount, faults: world.tally.all,
            trace: world.trace.lines)
    }

    /// Runs `seeds` on as many threads as there are processors, until `isEnough` of a verdict.
    static func run(
        seeds: Range<UInt64>, threads: Int = ProcessInfo.processInfo.activeProcessorCount,
        isEnough: @escaping @Sendable (Verdict) -> Bool = { _ in false },
        onVerdict: @escaping @Sendable (Verdict) -> Void = { _ in },
        _ scenario: @escaping @Sendable (UInt64) -> Scenario
    ) async -> [Verdict] {
        let next = Shared(seeds.lowerBound)
        let bad = Shared<[Verdict]>([])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    await OwnThread.run {
                        while true {
                            let seed = next.withLock { next in
                                defer { next += 1 }
                                return next
                            }
                            guard seed < seeds.upperBound else { return }
                            let verdict = Self.run(scenario(seed))
                            onVerdict(verdict)
                            guard !verdict.violations.isEmpty else { continue }
                            bad.withLock { $0.append(verdict) }
                            if isEnough(verdict) { next.withLock { $0 = seeds.upperBound } }
                        }
                    }
                }
            }
        }
        return bad.value.sorted { $0.seed < $1.seed }
    }
}

/// A thread of its own, so that no thread that others wait for is blocked.
enum OwnThread {
    static func run(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            let thread = Thread {
                body()
                continuation.resume()
            }
            thread.stackSize = 64 << 20
            thread.start()
        }
    }
}
