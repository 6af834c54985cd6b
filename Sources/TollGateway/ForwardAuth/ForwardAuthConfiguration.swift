// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// The proxy that asks, and from where.
public struct ForwardAuthConfiguration: Sendable {
    /// How a proxy says what it was asked for, and what it can do with an answer.
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        /// `auth_request` of nginx: `X-Original-Method`, `X-Original-Host` and `X-Original-URI`, as the recipe sets them. It
        /// knows 2xx, 401 and 403 alone, so that what is no leave to pass is kept for a second request.
        case nginx
        /// `forward_auth` of Caddy: `X-Forwarded-Method`, `X-Forwarded-Host` and `X-Forwarded-Uri`. What is not 2xx is relayed.
        case caddy
        /// `ForwardAuth` of Traefik: as Caddy.
        case traefik
        /// `ext_authz` of Envoy over HTTP: the method, the host and, behind `/auth`, the target of the request itself. What
        /// is not 200 is relayed.
        case envoy
    }

    /// Which proxy asks.
    public var mode: Mode
    /// From where: nobody else is answered, and nobody else's word is taken for who asked for what.
    public var trustedProxies: TrustedProxies

    /// A proxy by all its fields.
    public init(mode: Mode, trustedProxies: TrustedProxies) {
        self.mode = mode
        self.trustedProxies = trustedProxies
    }
}
