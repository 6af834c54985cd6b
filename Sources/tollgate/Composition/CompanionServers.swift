// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollHTTPEngine
import TollMethods
import TollRuntime

/// The servers beside the gateway: admin, and the facilitator for others.
enum CompanionServers {
    static func start(_ assembly: Assembly, method: ExactEVM, group: EventLoopGroup) async throws -> [any Service] {
        var services: [any Service] = []
        if let admin = assembly.configuration.admin {
            let handler = AdminHandler(
                store: assembly.store, networks: assembly.networks, token: admin.token?.value, metrics: MetricsRegistry())
            let server = try await HTTPServer(
                group: group, host: admin.listen.host, port: UInt16(admin.listen.port), handler: handler)
            assembly.log.info("listening", ["admin": server.address])
            services.append(ServerService(name: "admin", server: server))
        }
        return services
    }
}
