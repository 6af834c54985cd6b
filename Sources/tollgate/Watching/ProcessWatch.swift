// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollMethods
import TollPayments
import TollRuntime

/// What the process knows of itself, for whoever runs it: one for its whole life, whatever is reloaded.
struct ProcessWatch: Sendable {
    let state: ProcessState
    let readiness: Readiness
    let gauges: LedgerGauges
    let reloads: Reloads
    let metrics: MetricsRegistry

    /// - Parameters:
    ///   - exposureLimit: In millionths of a dollar.
    ///   - logWriter: What counts the lines that it drops.
    init(
        store: any PaymentStore, networks: [ExactEVMNetwork], exposureLimit: Int64, metrics: MetricsRegistry,
        logWriter: LogWriter?, environment: Environment
    ) {
        self.state = ProcessState()
        self.readiness = Readiness(store: store, networks: networks, environment: environment)
        self.gauges = LedgerGauges(store: store, environment: environment)
        self.reloads = Reloads(exposureLimit: exposureLimit, clock: environment.now)
        self.metrics = metrics
        ProcessMetrics.register(self, networks, logWriter, environment)
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
