// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives

/// What a signer has spent of late, and so how long its balance lasts.
struct GasHistory: Sendable {
    /// How long a balance lasts.
    enum Lasting: Hashable, Sendable {
        /// Too little was seen.
        case unknown
        /// Nothing is spent.
        case forever
        /// So many seconds.
        case seconds(UInt64)
    }

    /// What is older says little about today.
    private static let window = Duration.seconds(86_400)
    /// Before this much was seen nothing is said.
    private static let shortest = Duration.seconds(600)
    /// Readings kept: one in ten minutes over the window.
    private static let step = Duration.seconds(600)

    private struct Reading {
        let time: Duration
        /// In all since the first reading, in gwei (10^-9 ether).
        let spent: UInt64
    }

    private var readings: [Reading] = []
    /// In all, in gwei.
    private var spent: UInt64 = 0
    /// In gwei, as read last.
    private(set) var balance: UInt64 = 0

    /// Notes a balance in wei, read at a time of the monotonic clock. What is paid in between two readings hides what was spent
    /// between them.
    mutating func note(_ balance: UInt256, at time: Duration) {
        let gwei = balance.quotientAndRemainder(dividingBy: 1_000_000_000).quotient.uint64 ?? .max
        if !self.readings.isEmpty, gwei < self.balance { self.spent += self.balance - gwei }
        self.balance = gwei
        guard let last = self.readings.last, time - last.time < Self.step else {
            self.readings.append(Reading(time: time, spent: self.spent))
            self.readings.removeAll { time - $0.time > Self.window }
            return
        }
    }

    /// How long the balance lasts if as much goes on being spent.
    func lasting(at time: Duration) -> Lasting {
        guard let first = self.readings.first, time - first.time >= Self.shortest else { return .unknown }
        let spent = self.spent - first.spent
        guard spent > 0 else { return .forever }
        let elapsed = UInt64((time - first.time).components.seconds)
        let product = UInt256(self.balance).multiplied(by: elapsed) ?? .max
        return .seconds(product.quotientAndRemainder(dividingBy: spent).quotient.uint64 ?? .max)
    }
}
