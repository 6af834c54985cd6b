// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

extension ServerLimits {
    /// Limits for tests that are not about waiting: with everything else that a run does at the same time, a test may get no
    /// processor for a minute.
    public static var patient: ServerLimits {
        var limits = ServerLimits()
        let time = Duration.seconds(3600)
        limits.headerTime = time
        limits.idleTime = time
        limits.bodyIdleTime = time
        limits.writeIdleTime = time
        limits.requestsPerConnection = .max
        limits.bodyRate = 0
        return limits
    }
}
