// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollRuntime

/// Whether the process takes requests, as the service manager and `/ready` are told. A service that starts after all others and
/// is the first to stop.
final class ProcessState: Service {
    let name = "process state"
    private let manager: ServiceManager
    private let draining = Mutex(false)

    init(manager: ServiceManager = .ofProcess) { self.manager = manager }

    /// Whether it was asked to stop: what is under way is finished, and nothing else begun.
    var isDraining: Bool { self.draining.withLock { $0 } }

    func run() async throws {
        self.manager.tell(.ready)
        try await gracefulShutdown()
        self.draining.withLock { $0 = true }
        self.manager.tell(.stopping)
    }

    /// Tells that the configuration is read again, for as long as `reload` takes.
    func whileReloading(at time: Duration, _ reload: () async -> Void) async {
        self.manager.tell(.reloading(at: time))
        await reload()
        self.manager.tell(.ready)
    }
}
