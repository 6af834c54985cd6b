// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollHTTPEngine
import TollPayments
import TollRuntime

/// The servers beside the gateway: admin, and the facilitator for others.
enum CompanionServers {
    static func start(_ assembly: Assembly, methods: [any PaymentMethod], group: EventLoopGroup) async throws -> [any Service] {
        var services: [any Service] = []
        if let admin = assembly.configuration.admin {
            let handler = AdminHandler(
                store: assembly.store, networks: assembly.networks, token: admin.token?.value)
            services.append(try await self.listen("admin", admin.listen, handler, ServerLimits(), group, assembly.log))
        }
        if let serve = assembly.configuration.facilitator?.serve, let facilitator = assembly.facilitator(methods: methods) {
            services.append(
                try await self.listen("facilitator", serve.listen, facilitator, assembly.serverLimits, group, assembly.log))
        }
        return services
    }

    static func listen(
        _ name: String, _ address: ListenAddress, _ handler: any RequestHandler, _ limits: ServerLimits, _ group: EventLoopGroup,
        _ log: Logger
    ) async throws -> ServerService {
        let server = try await HTTPServer(
            group: group, host: address.host, port: UInt16(address.port), handler: handler, limits: limits)
        log.info("listening", ["server": name, "address": server.address])
        return ServerService(name: name, server: server)
    }
}
