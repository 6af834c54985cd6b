// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollHTTPEngine
import TollRuntime

/// Where the gateway listens, in the engine's terms, and the certificates that it serves there.
struct GatewayListeners: Sendable {
    /// In the configuration's order.
    let endpoints: [ServerEndpoint]
    let certificates: ServedCertificates
    private let redirect: HTTPSRedirect

    init(_ configuration: Configuration) throws {
        var served: [ServedCertificates.Listener] = []
        let redirect = HTTPSRedirect(to: try Origin(parsing: configuration.publicURL.text))
        self.endpoints = configuration.listen.map { listener in
            let tls = listener.isSecure ? ServerTLS(listener.certificates.map(\.identity)) : nil
            if let tls { served.append((tls, listener.location, listener.certificates)) }
            return ServerEndpoint(listener.engineLocation, tls: tls, handler: listener.redirectsToHTTPS ? redirect : nil)
        }
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
