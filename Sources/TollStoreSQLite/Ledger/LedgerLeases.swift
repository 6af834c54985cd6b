// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// Which workers are there, in memory: a SQLite ledger is served by one process, and when that is gone nobody is there.
struct WorkerLeases {
    private var ends: [WorkerID: Int64] = [:]

    /// Whether the worker is there.
    func isThere(_ worker: WorkerID, at time: Int64) -> Bool { self.ends[worker] ?? .min > time }

    /// The worker is there for `seconds` from `time` on.
    mutating func renew(_ worker: WorkerID, for seconds: Int64, at time: Int64) {
        self.ends = self.ends.filter { $0.value > time }
        let (end, overflow) = time.addingReportingOverflow(seconds)
        self.ends[worker] = overflow ? .max : end
    }
}

/// Who is at work on which payment, in memory: one process hands out a SQLite ledger's work, and with it all who work end.
struct LedgerLeases {
    private var ends: [PaymentID: Int64] = [:]
    /// Leases are looked through for ended ones when there are this many: twice as many as were left the last time.
    private var sweepCount = 1_024

    /// The most payments that somebody works on.
    var count: Int { self.ends.count }

    /// Whether nobody works on the payment.
    func isFree(_ payment: PaymentID, at time: Int64) -> Bool { (self.ends[payment] ?? .min) <= time }

    /// Somebody works on the payment for `seconds` from `time` on.
    mutating func take(_ payment: PaymentID, for seconds: Int64, at time: Int64) {
        let (end, overflow) = time.addingReportingOverflow(seconds)
        self.ends[payment] = overflow ? .max : end
        guard self.ends.count >= self.sweepCount else { return }
        self.ends = self.ends.filter { $0.value > time }
        self.sweepCount = max(1_024, 2 * self.ends.count)
    }
}
