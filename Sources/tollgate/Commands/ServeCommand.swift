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

    static func run(_ role: Role, configurationPath: String, log: Logger) async throws -> ExitCode {
        guard let configuration = CheckCommand.read(configurationPath) else { return .failure }
        guard role == .gateway || configuration.facilitator?.serve != nil else {
            StandardStreams.writeError(
                "\(configurationPath): no facilitator to serve; write `facilitator: {serve: 127.0.0.1:4022}`\n")
            return .failure
        }
        let loops = try EventLoopGroup(count: configuration.workers ?? EventLoopGroup.coreCount)
        let assembly = try Assembly(configuration, group: loops, environment: .live, log: log)
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
        let rails = try await assembly.rails()
        var services: [any Service] = [
            assembly.background, Housekeeping(store: assembly.store, environment: .live, log: assembly.log),
        ]
        services += rails.services
        services += try await CompanionServers.start(assembly, methods: rails.methods, group: loops)
        if role == .gateway {
            let gateway = try assembly.gateway(methods: rails.methods)
            var server = try await CompanionServers.listen(
                "gateway", assembly.configuration.listen, gateway, assembly.serverLimits, loops, assembly.log)
            // What is deferred is queued before it is flushed.
            server.afterDrain = { await gateway.finishCalls() }
            services += [server, gateway.upstreamHealth]
        }
        let log = assembly.log
        return ServiceGroup(
            services: services, environment: .live, logger: log, deadlines: self.deadlines, signals: signals,
            onReload: { log.warning("reloading is not available in this version: restart to take up the configuration") })
    }
}
