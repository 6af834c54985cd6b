// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives

/// What a signer has spent of late, and so how long its balance lasts.
struct GasHistory: Sendable {
    /// What is older says little about today.
    private static let window = Duration.seconds(86_400)
    /// Before this much was seen nothing is said.
    private static let shortest = Duration.seconds(600)
    /// Readings kept: one in ten minutes over the window.
    private static let step = Duration.seconds(600)

    private struct Reading {
        let time: Duration
        /// In all since the first reading, in ether.
        let spent: Double
    }

    private var readings: [Reading] = []
    private var spent = 0.0
    /// In ether, as read last.
    private(set) var balance = 0.0

    /// Notes a balance in wei, read at a time of the monotonic clock. What is paid in is not earned: it only ends one way to go down.
    mutating func note(_ balance: UInt256, at time: Duration) {
        let ether = Self.ether(balance)
        if !self.readings.isEmpty { self.spent += max(0, self.balance - ether) }
        self.balance = ether
        guard let last = self.readings.last, time - last.time < Self.step else {
            self.readings.append(Reading(time: time, spent: self.spent))
            self.readings.removeAll { time - $0.time > Self.window }
            return
        }
    }

    /// How many seconds the balance lasts if as much goes on being spent; infinity when nothing is; nil when too little was seen.
    func secondsLeft(at time: Duration) -> Double? {
        guard let first = self.readings.first, time - first.time >= Self.shortest else { return nil }
        let spent = self.spent - first.spent
        guard spent > 0 else { return .infinity }
        return self.balance / (spent / ((time - first.time) / .seconds(1)))
    }

    /// Not for money: for a gauge.
    private static func ether(_ wei: UInt256) -> Double {
        (Double(wei.description) ?? .infinity) / 1e18
    }
}
