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
        let endpoint = ServerEndpoint(.tcp(host: address.host, port: UInt16(address.port)))
        return try await self.listen(name, [endpoint], handler, limits, group, log)
    }

    static func listen(
        _ name: String, _ endpoints: [ServerEndpoint], _ handler: any RequestHandler, _ limits: ServerLimits,
        _ group: EventLoopGroup,
        _ log: Logger
    ) async throws -> ServerService {
        let server = try await HTTPServer(group: group, endpoints: endpoints, handler: handler, limits: limits)
        for (endpoint, address) in zip(endpoints, server.addresses) {
            let place = if case .unix(let file) = endpoint.location { "unix:\(file.path)" } else { address.description }
            log.info("listening", ["server": name, "address": place, "tls": endpoint.tls != nil])
        }
        return ServerService(name: name, server: server)
    }
}
