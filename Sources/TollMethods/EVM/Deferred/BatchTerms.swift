// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// When payments that were served before they are paid are settled together.
public struct BatchTerms: Hashable, Sendable {
    /// The most payments in one transaction. A batch of so many goes at once.
    public var size: Int
    /// The longest that a payment waits for others.
    public var maxAge: Duration
    /// How long the last batches may take when the process is asked to stop.
    public var flushTime: Duration

    /// How near an authorization may be to its end before its payment waits no more, in seconds: a batch takes one inclusion, and
    /// another with a higher fee.
    static let endMarginSeconds: Int64 = 60

    /// Terms.
    public init(size: Int = 100, maxAge: Duration = .seconds(30), flushTime: Duration = .seconds(30)) {
        self.size = max(1, size)
        self.maxAge = maxAge
        self.flushTime = flushTime
    }

    /// Whether a batch should go now, when these payments wait, the oldest of them at most ``size``.
    func isDue(_ waiting: [PaymentTerms], at time: Int64) -> Bool {
        guard waiting.count < self.size else { return true }
        let age = self.maxAge.components.seconds
        return waiting.contains { $0.claimedAt <= time - age || $0.validBefore <= time + Self.endMarginSeconds }
    }
}
