// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollRuntime

/// How many payments are on their way, and what is at risk meanwhile. Read from the ledger at most once in some seconds.
actor LedgerGauges {
    /// What the ledger holds that has not come to an end.
    struct Reading: Sendable {
        /// Payments by how far they have come.
        var counts: [PaymentRecord.Phase: Int] = [:]
        /// Served and not paid yet, in millionths of a dollar.
        var exposure: Int64 = 0
    }

    /// The phases of payments that have not come to an end.
    static let underWay: [PaymentRecord.Phase] = [.claimed, .queued, .signed, .broadcast, .unknown]
    /// More than limits let be under way; what is over it is not counted.
    private static let countMax = 20_000
    /// A scrape every ten seconds reads anew.
    private static let freshness = Duration.seconds(5)

    private let store: any PaymentStore
    private let environment: Environment
    private var last: (reading: Reading?, time: Duration)?

    init(store: any PaymentStore, environment: Environment) {
        self.store = store
        self.environment = environment
    }

    /// As it was at most ``freshness`` ago; nil when the ledger does not answer.
    func reading() async -> Reading? {
        let now = self.environment.monotonic()
        if let last = self.last, now - last.time < Self.freshness { return last.reading }
        let records = try? await self.store.records(PaymentQuery(in: Set(Self.underWay), limit: Self.countMax))
        let reading = records.map { records in
            var reading = Reading()
            for record in records {
                reading.counts[record.phase, default: 0] += 1
                reading.exposure += record.openExposure
            }
            return reading
        }
        self.last = (reading, now)
        return reading
    }
}
