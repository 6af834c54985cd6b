// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollHTTPEngine

/// How long tests wait that are not about waiting. With everything else that a run does at the same time, a test may get no
/// processor for a minute; a limit meant for peers would end what it is about.
enum Patience {
    static let time = Duration.seconds(3600)
}

extension ClientLimits {
    static var patient: ClientLimits {
        var limits = ClientLimits()
        limits.idleTime = Patience.time
        limits.connectTime = Patience.time
        return limits
    }
}

extension ClientRequest {
    static func patient(
        _ method: TollHTTP.Method, _ origin: Origin, target: [UInt8], fields: Fields = Fields(), body: ClientBody = .none
    ) -> ClientRequest {
        ClientRequest(
            method, origin, target: target, fields: fields, body: body, deadline: Patience.time, bodyIdle: Patience.time)
    }
}
