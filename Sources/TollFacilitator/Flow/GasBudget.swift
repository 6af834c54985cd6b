// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How much gas may be spent for others within an hour: a bound on what a caller with worthless payments can cost.
///
/// Counts what a settlement may use at most; one that was refused before anything was sent does not count.
final class GasBudget: Sendable {
    /// The gas limit of a plain settlement.
    static let perSettlement: UInt64 = 200_000
    private static let window: Duration = .seconds(3600)

    private let limit: UInt64
    /// When each counted settlement began, oldest first.
    private let begun = Mutex<[Duration]>([])

    init(gasPerHour: UInt64) {
        self.limit = gasPerHour
    }

    /// Counts a settlement that begins at `now`; how long to wait when there is no gas left for it.
    func take(at now: Duration) -> Duration? {
        self.begun.withLock { begun in
            begun.removeAll { $0 + Self.window <= now }
            guard UInt64(begun.count + 1) * Self.perSettlement <= self.limit else {
                return begun.first.map { $0 + Self.window - now } ?? Self.window
            }
            begun.append(now)
            return nil
        }
    }

    /// Forgets the newest: nothing was sent for it.
    func giveBack() {
        self.begun.withLock { _ = $0.popLast() }
    }
}
