// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Whether a request's body comes fast enough: it must make progress, and on the whole be as fast as the limits say. Only time
/// in which it is waited for counts: a slow consumer is not the client's fault.
struct BodyPace {
    /// Nanoseconds for which body was waited for, up to when it last came.
    private var waited: UInt64 = 0
    /// Since when it is waited for again.
    private var since: UInt64 = 0

    /// It is waited for from now on.
    mutating func waits(at now: UInt64) { self.since = now }

    /// Some of it is here.
    mutating func came(at now: UInt64) { self.waited += now - self.since }

    /// How much longer it may let itself be waited for, of which `received` bytes have come.
    func patience(at now: UInt64, received: UInt64, limits: ServerLimits) -> Duration {
        guard limits.bodyRate > 0 else { return limits.bodyIdleTime }
        let (milliseconds, isEndless) = received.multipliedReportingOverflow(by: 1_000)
        let earned = Duration.milliseconds(Int64(clamping: (isEndless ? .max : milliseconds) / limits.bodyRate))
        let used = Duration.nanoseconds(Int64(clamping: self.waited + (now - self.since)))
        return max(.zero, min(limits.bodyIdleTime, limits.bodyIdleTime + earned - used))
    }
}
