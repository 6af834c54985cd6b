// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollRuntime

/// What of a new configuration a running process can take up.
extension Configuration {
    /// A part that only a restart changes, and whether it is another in the new configuration.
    private typealias Fixed = (name: String, hasChanged: Bool)

    /// This configuration with what `running` cannot change while it runs, and the names of what was therefore left as it is.
    func takenUp(by running: Configuration) -> (configuration: Configuration, needRestart: [String]) {
        var taken = self
        taken.listen = running.listen
        taken.admin =
            self.admin.flatMap { new in
                running.admin.map { Admin(listen: $0.listen, token: new.token, place: new.place) }
            } ?? running.admin
        taken.store = running.store
        taken.shared = running.shared
        taken.workers = running.workers
        taken.networks = running.networks
        taken.facilitator = running.facilitator
        taken.log = running.log
        taken.auth = running.auth
        taken.webhooks = running.webhooks
        taken.deferral.maxAge = running.deferral.maxAge
        taken.deferral.batchSize = running.deferral.batchSize
        let fixed: [Fixed] = [
            ("listen", self.listen.map(\.fixed) != running.listen.map(\.fixed)),
            ("admin.listen", self.admin?.listen.map(\.fixed) != running.admin?.listen.map(\.fixed)),
            ("deferred.max_age", self.deferral.maxAge != running.deferral.maxAge),
            ("deferred.batch_size", self.deferral.batchSize != running.deferral.batchSize),
        ]
        let whole = ["store", "shared", "workers", "networks", "facilitator", "log", "auth", "webhooks"]
        let names = fixed.filter(\.hasChanged).map(\.name) + whole.filter { self.written.differs(from: running.written, at: $0) }
        return (taken, names.sorted())
    }

    /// Ways to pay on networks or in tokens that `running` was not started with: it could ask for them, and not take them.
    func unpayable(for running: Configuration) -> Findings {
        var findings = Findings()
        for route in self.routes {
            for option in route.options {
                let network = running.networks.first { $0.id == option.network }
                let isKnown = network?.assets.contains { $0.token == option.asset } ?? false
                guard !isKnown else { continue }
                findings.add(
                    self.finding(
                        .error, at: option.place,
                        "\(option.asset.symbol) on \(option.network) can only be taken after a restart",
                        remedy: "restart, or leave the networks as they were"))
            }
        }
        return findings
    }
}
