// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollHTTPEngine
import TollRuntime

/// Where the servers listen, in the engine's terms, and the certificates that they serve there.
struct ServedListeners: Sendable {
    /// Of the gateway, in the configuration's order.
    let gateway: [ServerEndpoint]
    /// Of the operator's interface; empty where there is none.
    let admin: [ServerEndpoint]
    /// Of the facilitator for others; likewise.
    let facilitator: [ServerEndpoint]
    let certificates: ServedCertificates
    private let redirect: HTTPSRedirect

    init(_ configuration: Configuration) throws {
        var served: [ServedCertificates.Listener] = []
        let redirect = HTTPSRedirect(to: try Origin(parsing: configuration.publicURL.text))
        func endpoints(_ listeners: [Configuration.Listener]) -> [ServerEndpoint] {
            listeners.map { listener in
                let tls = listener.isSecure ? ServerTLS(listener.certificates.map(\.identity)) : nil
                if let tls { served.append((tls, listener.location, listener.certificates)) }
                return ServerEndpoint(listener.engineLocation, tls: tls, handler: listener.redirectsToHTTPS ? redirect : nil)
            }
        }
        self.gateway = endpoints(configuration.listen)
        self.admin = endpoints(configuration.admin?.listen ?? [])
        self.facilitator = endpoints(configuration.facilitator?.serve?.listen ?? [])
        self.certificates = ServedCertificates(served)
        self.redirect = redirect
    }

    /// Takes up what of a configuration read again can change while it listens: certificates, and where the redirect leads.
    func takeUp(_ configuration: Configuration) throws {
        self.redirect.replace(origin: try Origin(parsing: configuration.publicURL.text))
        self.certificates.replace(by: configuration)
    }
}

extension Configuration.Listener {
    fileprivate var engineLocation: ServerEndpoint.Location {
        switch self.location {
        case .address(let address): .tcp(host: address.host, port: UInt16(address.port))
        case .unix(let path): .unix(UnixSocketFile(path: path, mode: self.mode, group: self.group))
        }
    }
}
