// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// What is asked. Source: x402 specification v2, "Facilitator Interface"; `/health` is what such services have beside.
enum Endpoint: String {
    case verify = "/verify"
    case settle = "/settle"
    case supported = "/supported"
    case health = "/health"

    /// By path and method.
    init(_ head: RequestHead) throws(FacilitatorProblem) {
        guard let endpoint = Endpoint(rawValue: String(decoding: head.path, as: UTF8.self)) else { throw .notFound }
        switch endpoint {
        case .verify, .settle:
            guard head.method == .post else { throw .methodNotAllowed("POST") }
        case .supported, .health:
            guard head.method == .get || head.method == .head else { throw .methodNotAllowed("GET, HEAD") }
        }
        self = endpoint
    }
}
