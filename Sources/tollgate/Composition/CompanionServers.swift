// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTP
import TollHTTPEngine
import TollPayments
import TollRuntime

/// The servers beside the gateway: admin, and the facilitator for others.
enum CompanionServers {
    static let (gateway, admin, facilitator) = ("gateway", "admin", "facilitator")

    static func start(
        _ assembly: Assembly, on listeners: ServedListeners, methods: [any PaymentMethod], gateway: Gateway?,
        _ watch: ProcessWatch, group: EventLoopGroup
    ) async throws -> [ServerService] {
        var services: [ServerService] = []
        if !listeners.admin.isEmpty {
            let handler = assembly.adminHandler(gateway: gateway, watch)
            services.append(
                try await self.listen(self.admin, listeners.admin, handler, assembly.limits(of: self.admin), group, assembly.log))
        }
        if !listeners.facilitator.isEmpty, let facilitator = assembly.facilitator(methods: methods) {
            services.append(
                try await self.listen(
                    self.facilitator, listeners.facilitator, facilitator, assembly.limits(of: self.facilitator), group,
                    assembly.log))
        }
        return services
    }

    static func listen(
        _ name: String, _ endpoints: [ServerEndpoint], _ handler: any RequestHandler, passingBy client: LoopHTTPClient? = nil,
        _ limits: ServerLimits, _ group: EventLoopGroup, _ log: Logger
    ) async throws -> ServerService {
        let server = try await HTTPServer(
            group: group, endpoints: endpoints, handler: handler, passingBy: client, limits: limits)
        for (endpoint, address) in zip(endpoints, server.addresses) {
            let place = if case .unix(let file) = endpoint.location { "unix:\(file.path)" } else { address.description }
            log.info("listening", ["server": name, "address": place, "tls": endpoint.tls != nil])
        }
        return ServerService(name: name, server: server)
    }
}
