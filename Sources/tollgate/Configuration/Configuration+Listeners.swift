// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTPEngine
import TollPrimitives
import TollRuntime

extension Configuration {
    /// A place where the gateway listens.
    struct Listener: Sendable {
        /// An address, or a file.
        enum Location: Hashable, Sendable, CustomStringConvertible {
            case address(ListenAddress)
            case unix(path: String)

            /// As it is written.
            var description: String {
                switch self {
                case .address(let address): address.description
                case .unix(let path): "unix:\(path)"
                }
            }
        }

        var location: Location
        /// Of a Unix socket: its permissions, and the group it is given to.
        var mode: UInt32 = 0o660
        var group: String?
        /// Empty for plain HTTP. The first is for clients that ask for no name, or for an unknown one.
        var certificates: [Certificate] = []
        /// Sends clients to the public URL instead of serving them.
        var redirectsToHTTPS = false
        var place: Place

        var address: ListenAddress? {
            if case .address(let address) = self.location { address } else { nil }
        }

        /// What of it a running process cannot change: everything but the certificates.
        var fixed: [String] {
            [self.location.description, "\(self.mode)", self.group ?? "", "\(self.isSecure)", "\(self.redirectsToHTTPS)"]
        }

        var isSecure: Bool { !self.certificates.isEmpty }

        /// Whether two cannot be had at once.
        func collides(with other: Listener) -> Bool {
            if let address = self.address, let others = other.address { return address.collides(with: others) }
            return self.location == other.location
        }

        /// Whether only this machine reaches it: loopback, or a file.
        var isLocal: Bool { self.address?.isLoopback ?? true }
    }

    /// Every place where something of this process listens.
    var everyListener: [Listener] {
        self.listen + (self.admin?.listen ?? []) + (self.facilitator?.serve?.listen ?? [])
    }

    /// A certificate with its key.
    struct Certificate: Sendable {
        var certificate: SecretReference
        var key: SecretReference
        var identity: TLSIdentity
        /// The certificate's text, to see when another has taken its place.
        var text: String
        var place: Place

        /// Reads both again from where they stand.
        func reread(from secrets: SecretSource) throws -> Certificate {
            var copy = self
            copy.text = try secrets.resolve(self.certificate).withExposed { $0 }
            copy.identity = try TLSIdentity(
                certificates: Array(copy.text.utf8), key: try secrets.resolve(self.key).withExposed { Array($0.utf8) })
            return copy
        }
    }

    /// What is said where the connections that are allowed do not fit into so many open files: those of clients, and those to
    /// upstreams, of which a request has one at a time.
    ///
    /// - Parameters:
    ///   - limit: How many files the process may open; 0 when that is not known.
    ///   - kept: How many of them clients do not get.
    ///   - loops: How many loops there are.
    func fileFinding(limit: UInt64, kept: UInt64, loops: Int) -> Finding? {
        let pools = self.upstreams.flatMap { upstream in upstream.addresses.map { _ in upstream.connections ?? 256 } }
        let clients = self.limits.connections
        let upward = min(clients, pools.reduce(0, +) * loops)
        guard limit > 0, UInt64(clients + upward) > limit - kept else { return nil }
        let place = self.limits.connectionsPlace ?? Place(path: "limits.connections", line: 0)
        return self.finding(
            .warning, at: place,
            "\(clients) clients, and as many as \(upward) connections to upstreams, do not fit into the \(limit) files that a "
                + "process may open here; those over it wait until others have gone",
            remedy: "raise the limit (`LimitNOFILE=` of the service, `ulimit -Hn`), or write a lower number")
    }

    /// How long before its end a certificate is complained about: tools that renew do so a month before.
    private static let expiryNotice: Int64 = 14 * 86_400

    /// What is wrong with the certificates at this time, in seconds since 1970.
    func certificateFindings(now: Int64) -> [Finding] {
        var findings: [Finding] = []
        for certificate in self.everyListener.flatMap(\.certificates) {
            let left = certificate.identity.expiry - now
            if left <= 0 {
                findings.append(
                    self.finding(
                        .warning, at: certificate.place, "the certificate has ended: clients refuse it", remedy: "renew it"))
            } else if left < Self.expiryNotice {
                findings.append(
                    self.finding(
                        .warning, at: certificate.place, "the certificate ends in \(left / 86_400) days", remedy: "renew it"))
            }
        }
        let certificates = self.listen.flatMap(\.certificates)
        let host = self.publicURL.host.filter { $0 != "[" && $0 != "]" }
        if let first = certificates.first, self.publicURL.isSecure, !certificates.contains(where: { $0.identity.covers(host) }) {
            findings.append(
                self.finding(
                    .warning, at: first.place, "no certificate is good for \(host), the host of `public_url`",
                    remedy: "get one for that name"))
        }
        return findings
    }
}
