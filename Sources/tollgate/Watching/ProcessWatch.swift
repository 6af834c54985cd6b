// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollPayments
import TollRuntime

/// What the process knows of itself, for whoever runs it: one for its whole life, whatever is reloaded.
struct ProcessWatch: Sendable {
    let state: ProcessState
    let readiness: Readiness
    let gauges: LedgerGauges
    let reloads: Reloads
    let metrics: MetricsRegistry

    init(_ assembly: Assembly) {
        self.state = ProcessState()
        self.readiness = Readiness(store: assembly.store, networks: assembly.networks, environment: assembly.environment)
        self.gauges = LedgerGauges(store: assembly.store, environment: assembly.environment)
        self.reloads = Reloads(exposureLimit: assembly.configuration.deferral.limits.total, clock: assembly.environment.now)
        self.metrics = assembly.metrics
        ProcessMetrics.register(assembly, self)
    }
}

/// How reloads went.
final class Reloads: Sendable {
    private struct State {
        var succeeded: UInt64 = 0
        var failed: UInt64 = 0
        var isLastTakenUp = true
        var takenUpAt: UInt64
        var exposureLimit: Int64
    }

    private let clock: @Sendable () -> UInt64
    private let state: Mutex<State>

    /// - Parameter exposureLimit: In millionths of a dollar.
    init(exposureLimit: Int64, clock: @escaping @Sendable () -> UInt64) {
        self.clock = clock
        self.state = Mutex(State(takenUpAt: clock(), exposureLimit: exposureLimit))
    }

    func succeeded(exposureLimit: Int64) {
        let now = self.clock()
        self.state.withLock { state in
            state.succeeded += 1
            state.isLastTakenUp = true
            state.takenUpAt = now
            state.exposureLimit = exposureLimit
        }
    }

    func failed() {
        self.state.withLock { state in
            state.failed += 1
            state.isLastTakenUp = false
        }
    }

    /// So many.
    var counts: (succeeded: UInt64, failed: UInt64) { self.state.withLock { ($0.succeeded, $0.failed) } }

    /// Whether the file, when it was last read, was taken up.
    var isLastTakenUp: Bool { self.state.withLock { $0.isLastTakenUp } }

    /// When the configuration in force was taken up, in seconds since 1970.
    var takenUpAt: UInt64 { self.state.withLock { $0.takenUpAt } }

    /// The most that may be served before it is paid, in millionths of a dollar.
    var exposureLimit: Int64 { self.state.withLock { $0.exposureLimit } }
}
