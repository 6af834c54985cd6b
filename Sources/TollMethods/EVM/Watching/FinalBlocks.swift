// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPrimitives

/// Since when blocks have been seen to be final.
final class FinalBlocks: Sendable {
    private struct Sight {
        let number: UInt64
        let time: Duration
    }

    private let sights = Mutex<[ChainID: [Sight]]>([:])

    /// Takes down that the chain's final block is `number` at `time`; says which has been final for `age`, as far as is known.
    func note(_ number: UInt64, at time: Duration, for age: Duration, _ chain: ChainID) -> UInt64? {
        self.sights.withLock { sights in
            var known = sights[chain] ?? []
            known.append(Sight(number: number, time: time))
            let oldest = known.lastIndex { $0.time <= time - age }
            // None before the newest that is old enough is needed any more.
            if let oldest { known.removeFirst(oldest) }
            sights[chain] = known
            return oldest == nil ? nil : known[0].number
        }
    }
}
