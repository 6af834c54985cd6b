// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTP
import TollHTTPEngine

/// What clients meet, or the proxy that asks in their place.
enum Front: Sendable {
    /// A gateway that passes requests on.
    case gateway(Gateway)
    /// What another proxy asks.
    case auth(ForwardAuth)

    /// The one that the configuration asks for.
    init(_ assembly: Assembly, _ rails: Assembly.Rails) throws {
        if let auth = assembly.configuration.auth {
            self = .auth(try assembly.forwardAuth(auth, rails))
        } else {
            self = .gateway(try assembly.gateway(rails))
        }
    }

    /// Who decides.
    var gateway: Gateway {
        switch self {
        case .gateway(let gateway): gateway
        case .auth(let auth): auth.gateway
        }
    }

    /// Who answers.
    var handler: any RequestHandler {
        switch self {
        case .gateway(let gateway): gateway
        case .auth(let auth): auth
        }
    }

    /// The one that takes its place.
    func reconfigured(_ configuration: GatewayConfiguration) -> Front {
        switch self {
        case .gateway(let gateway): .gateway(gateway.reconfigured(configuration))
        case .auth(let auth): .auth(auth.reconfigured(configuration))
        }
    }
}
