// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTPEngine
import TollPayments
import TollRuntime

/// SIGHUP: reads the configuration again, and has the servers go on with what of it can change while they run.
///
/// Either all of a configuration is taken up or, when anything is wrong with it, nothing.
actor Reloader {
    private let path: String
    private let watch: ProcessWatch
    private let servers: [ServerService]
    private let listeners: ServedListeners
    private let health: UpstreamHealth?
    private var assembly: Assembly
    /// Nil where the facilitator runs alone.
    private var front: Front?
    private let log: Logger

    init(
        _ assembly: Assembly, front: Front?, servers: [ServerService], listeners: ServedListeners, health: UpstreamHealth?,
        watch: ProcessWatch
    ) {
        self.path = assembly.configuration.file
        self.assembly = assembly
        self.front = front
        self.servers = servers
        self.listeners = listeners
        self.health = health
        self.watch = watch
        self.log = assembly.log
    }

    /// Reads and takes up, or says why not.
    func reload() async {
        await self.watch.state.whileReloading(at: self.assembly.environment.monotonic()) {
            let (read, findings) = ConfigurationReader.read(path: self.path, table: .known)
            self.say(findings)
            guard let read else { return self.refuse(findings) }
            await self.takeUp(read)
        }
    }

    private func takeUp(_ read: Configuration) async {
        let unpayable = read.unpayable(for: self.assembly.configuration)
        self.say(unpayable)
        guard !unpayable.hasErrors else { return self.refuse(unpayable) }
        let (configuration, needRestart) = read.takenUp(by: self.assembly.configuration)
        for name in needRestart { self.log.warning("left as it was until a restart", ["key": name]) }
        var next = self.assembly
        next.configuration = configuration
        do {
            let front = try self.front?.reconfigured(next.gatewayConfiguration())
            for server in self.servers {
                let handler = next.handler(of: server.name, front: front, self.watch)
                await server.server.replace(handler: handler, limits: next.limits(of: server.name))
            }
            try self.listeners.takeUp(read)
            self.front = front
            if let front { self.health?.follow(front.gateway) }
            self.assembly = next
            self.watch.reloads.succeeded(exposureLimit: configuration.deferral.limits.total)
            self.log.info("reloaded", ["file": self.path, "routes": configuration.routes.count])
        } catch {
            self.watch.reloads.failed()
            self.log.error("not reloaded; the previous configuration stays", ["file": self.path, "reason": "\(error)"])
        }
    }

    private func refuse(_ findings: Findings) {
        self.watch.reloads.failed()
        self.log.error(
            "not reloaded; the previous configuration stays", ["file": self.path, "errors": findings.count(.error)])
    }

    private func say(_ findings: Findings) {
        for finding in findings.sorted {
            let level: Logger.Level =
                switch finding.severity {
                case .error: .error
                case .warning: .warning
                case .notice: .info
                }
            self.log.log(level, "finding: \(finding)")
        }
    }
}
