// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTPEngine
import TollMethods
import TollPayments
import TollRuntime
import TollStoreSQLite

/// `tollgate serve` and `tollgate facilitator`: the servers that a configuration asks for, until a signal ends them.
enum ServeCommand {
    /// Which servers run.
    enum Role {
        /// The gateway, and what is configured beside it.
        case gateway
        /// The facilitator and admin alone.
        case facilitator
    }

    /// Requests that wait for their settlement are answered first, for 40 s at most; then what is deferred is settled, for 30 s.
    private static let deadlines = ServiceGroup.Deadlines(drain: .seconds(80))

    static func run(_ role: Role, configurationPath: String) async throws -> ExitCode {
        // Asked to reload while it starts, the process would end: that is what SIGHUP does unless it is listened to.
        ProcessSignals.ignore(.hangup)
        guard let configuration = CheckCommand.read(configurationPath) else { return .failure }
        CheckCommand.printFileFinding(configuration)
        guard role == .gateway || configuration.facilitator?.serve != nil else {
            StandardStreams.writeError(
                "\(configurationPath): no facilitator to serve; write `facilitator: {serve: 127.0.0.1:4022}`\n")
            return .failure
        }
        return try await self.serve(role, configuration)
    }

    /// The same for a configuration that has been read.
    static func serve(_ role: Role, _ configuration: Configuration, mode: GatewayMode = .live) async throws -> ExitCode {
        EventLoopGroup.keepFreedMemory()
        let loops = try EventLoopGroup(count: configuration.workers ?? EventLoopGroup.coreCount)
        let writer = LogWriter()
        defer { writer.flush() }
        let log = Logger(
            level: configuration.log.level, format: configuration.log.format, clock: Environment.live.wallClock,
            write: writer.write)
        let files = OpenFiles.raiseLimit()
        if files.now > files.before {
            log.info("limit of open files raised", ["from": "\(files.before)", "to": "\(files.now)"])
        }
        let assembly = try Assembly(
            configuration, mode: mode, group: loops, environment: .live, log: log, logWriter: writer)
        try await self.services(role, assembly, loops).run()
        await assembly.store.close()
        return .success
    }

    /// Everything that runs, taken up where the last process left it and listening.
    static func services(
        _ role: Role, _ assembly: Assembly, _ loops: EventLoopGroup, signals: Set<ProcessSignal> = [.terminate, .interrupt]
    ) async throws -> ServiceGroup {
        guard await assembly.hasFittingTokens() else {
            throw Assembly.Failure(description: "the configuration does not fit the chain")
        }
        do throws(StoreError) { try await assembly.lease.begin() } catch {
            throw Assembly.Failure(description: "store: \(error.reason)")
        }
        let rails = try await assembly.rails()
        let keyed = role == .gateway ? try await assembly.withPassKeys() : assembly
        let assembly = keyed.signing(by: rails.signers)
        var services: [any Service] = [
            assembly.lease, assembly.background, Housekeeping(store: assembly.store, environment: .live, log: assembly.log),
        ]
        services += rails.services
        services += try await assembly.webhooks()
        let watch = ProcessWatch(
            store: assembly.store, networks: assembly.networks, exposureLimit: assembly.configuration.deferral.limits.total,
            metrics: assembly.metrics, logWriter: assembly.logWriter, environment: assembly.environment)
        services.append(watch.readiness)
        let front = role == .gateway ? try Front(assembly, rails) : nil
        let listeners = try ServedListeners(assembly.configuration)
        services.append(CertificateWatch(certificates: listeners.certificates, environment: .live, log: assembly.log))
        var servers = try await CompanionServers.start(
            assembly, on: listeners, methods: rails.methods, gateway: front?.gateway, watch, group: loops)
        if let front {
            var server = try await CompanionServers.listen(
                CompanionServers.gateway, listeners.gateway, front.handler, passingBy: assembly.engineClient.plain,
                assembly.limits(of: CompanionServers.gateway), loops, assembly.log)
            // What is deferred is queued before it is flushed.
            server.afterDrain = { await front.gateway.finishCalls() }
            servers.append(server)
        }
        let health = front.map { UpstreamHealth(of: $0.gateway, environment: .live) }
        if let health {
            services.append(health)
            ProcessMetrics.register(in: watch.metrics, upstreams: health)
        }
        let reloader = Reloader(
            assembly, front: front, servers: servers, listeners: listeners, health: health, watch: watch)
        return ServiceGroup(
            services: services + servers + [watch.state], environment: .live, logger: assembly.log, deadlines: self.deadlines,
            signals: signals, onReload: { await reloader.reload() },
            abandon: {
                assembly.logWriter?.flush()
                ProcessSignals.leave(status: 70)
            })
    }
}
