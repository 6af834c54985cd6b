// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollRuntime

/// Whether the process takes requests, as the service manager and `/ready` are told. A service that starts after all others and
/// is the first to stop.
final class ProcessState: Service {
    let name = "process state"
    private let manager: ServiceManager
    private let phase = Mutex(Phase.starting)

    private enum Phase {
        /// Some listeners are there and others not, and nobody heeds signals yet.
        case starting
        case serving
        case draining
    }

    init(manager: ServiceManager = .ofProcess) { self.manager = manager }

    /// Whether it was asked to stop: what is under way is finished, and nothing else begun.
    var isDraining: Bool { self.phase.withLock { $0 == .draining } }

    /// Whether it is not all there yet.
    var isStarting: Bool { self.phase.withLock { $0 == .starting } }

    /// Everything is there: every listener, and whoever heeds signals.
    func begin() { self.phase.withLock { $0 = .serving } }

    func run() async throws {
        self.begin()
        self.manager.tell(.ready)
        try await gracefulShutdown()
        self.phase.withLock { $0 = .draining }
        self.manager.tell(.stopping)
    }

    /// Tells that the configuration is read again, for as long as `reload` takes.
    func whileReloading(at time: Duration, _ reload: () async -> Void) async {
        self.manager.tell(.reloading(at: time))
        await reload()
        self.manager.tell(.ready)
    }
}
