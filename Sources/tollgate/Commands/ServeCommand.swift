// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTPEngine
import TollMethods
import TollPayments
import TollRuntime
import TollStoreSQLite

/// `tollgate serve`: the gateway, and what is configured beside it.
enum ServeCommand {
    static func run(configurationPath: String, log: Logger) async throws -> ExitCode {
        guard let configuration = CheckCommand.read(configurationPath) else { return .failure }
        let loops = try EventLoopGroup(count: configuration.workers ?? EventLoopGroup.coreCount)
        let assembly = try Assembly(configuration, group: loops, environment: .live, log: log)
        let exact = assembly.exactEVM()
        try await exact.resume()
        let gateway = try assembly.gateway(methods: [exact])
        let server = try await HTTPServer(
            group: loops, host: configuration.listen.host, port: UInt16(configuration.listen.port), handler: gateway,
            limits: assembly.serverLimits)
        log.info("listening", ["gateway": server.address, "routes": configuration.routes.count])
        var services: [any Service] = [assembly.background]
        services += try await CompanionServers.start(assembly, method: exact, group: loops)
        services.append(ServerService(name: "gateway", server: server))
        try await ServiceGroup(services: services, environment: .live, logger: log).run()
        await assembly.store.close()
        return .success
    }
}
