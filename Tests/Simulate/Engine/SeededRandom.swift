// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Random numbers of a seed: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var word = self.state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// The dice of one part of the world. Each part has its own, so that one that rolls more does not change what others roll.
final class Dice: Sendable {
    private let random: Mutex<SeededRandom>

    init(seed: UInt64, _ part: String) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var mixed = SeededRandom(seed: seed ^ hash)
        self.random = Mutex(SeededRandom(seed: mixed.next()))
    }

    func next() -> UInt64 { self.random.withLock { $0.next() } }

    /// One of `range`, the bounds included.
    func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(self.next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// True in so many of a thousand rolls.
    func happens(perMille: Int) -> Bool { perMille > 0 && Int(self.next() % 1_000) < perMille }

    func milliseconds(in range: ClosedRange<Int>) -> Duration { .milliseconds(self.number(in: range)) }

    func pick<Element>(_ elements: [Element]) -> Element { elements[self.number(in: 0...(elements.count - 1))] }

    func bytes(_ count: Int) -> [UInt8] {
        self.random.withLock { random in (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 24) } }
    }
}
