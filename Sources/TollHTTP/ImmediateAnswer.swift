// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Where a handler writes an answer that needs no waiting. One per loop, used again and again.
public struct ImmediateAnswer: Sendable {
    /// The output. Append only: answers of earlier requests may stand before yours.
    public var bytes: [UInt8]
    /// The value of `Date` for this second, 29 bytes of IMF-fixdate (RFC 9110 §5.6.7). The loop keeps it current.
    public var dateField: [UInt8]

    /// Whether the engine passes requests without a body on by itself, see ``Passage``.
    public let passesOn: Bool

    private var pool: [UInt64]
    private var next: Int
    private let fill: @Sendable (inout [UInt64]) -> Void

    /// - Parameter fill: Overwrites every element with random bits (the kernel's in production, a seed's in tests).
    public init(dateField: [UInt8], passesOn: Bool = false, fill: @escaping @Sendable (inout [UInt64]) -> Void) {
        self.passesOn = passesOn
        self.bytes = []
        self.dateField = dateField
        self.pool = Array(repeating: 0, count: Self.poolWords)
        self.next = Self.poolWords
        self.fill = fill
    }

    /// 16 random bytes that are given out once, as two words.
    public mutating func nextRandom16() -> (UInt64, UInt64) {
        if self.next == Self.poolWords {
            self.fill(&self.pool)
            self.next = 0
        }
        defer { self.next += 2 }
        let pair = (self.pool[self.next], self.pool[self.next + 1])
        self.pool[self.next] = 0
        self.pool[self.next + 1] = 0
        return pair
    }

    /// 4 KiB: one system call serves 256 challenges.
    private static let poolWords = 512
}
