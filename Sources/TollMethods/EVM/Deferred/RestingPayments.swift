// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments

/// Payments that could not be settled a moment ago, as one of a wallet without money: tried again at growing intervals, and
/// meanwhile no reason to send what waits beside them. Each process remembers its own: a trial more is a question to a node, and
/// sends nothing.
final class RestingPayments: Sendable {
    /// The first rest and the longest, in seconds.
    private static let rests: ClosedRange<Int64> = 10...120
    /// More are not remembered: whoever is forgotten is tried again at once.
    private static let countMax = 10_000

    private struct Rest {
        var until: Int64
        var length: Int64
    }

    private let rests = Mutex<[PaymentID: Rest]>([:])

    /// Leaves a payment alone for a while.
    func rest(_ payment: PaymentID, at time: Int64) {
        self.rests.withLock { rests in
            if rests.count >= Self.countMax { rests = rests.filter { $0.value.until > time } }
            if rests.count >= Self.countMax { rests = [:] }
            let length = rests[payment].map { min($0.length * 2, Self.rests.upperBound) } ?? Self.rests.lowerBound
            rests[payment] = Rest(until: time + length, length: length)
        }
    }

    /// Whether a payment is to be left alone.
    func isResting(_ payment: PaymentID, at time: Int64) -> Bool {
        self.rests.withLock { $0[payment].map { time < $0.until } ?? false }
    }

    /// A payment has come to its end.
    func forget(_ payment: PaymentID) {
        self.rests.withLock { _ = $0.removeValue(forKey: payment) }
    }
}
