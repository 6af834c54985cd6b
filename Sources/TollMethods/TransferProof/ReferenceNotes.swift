// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// What was seen of transfers that do not count yet, or never will: told to whoever asks, and lost with the process.
final class ReferenceNotes: Sendable {
    /// What was last seen for a reference.
    struct Note: Sendable {
        let state: TransferProof.Status.State
        let reason: TransferProof.Reason
        let time: Int64
    }

    /// References noted at most; then the older half is forgotten.
    private static let countMax = 4_096
    /// What was seen longer ago is not told any more, in seconds.
    private static let ageMax: Int64 = 3_600

    private let notes = Mutex<[Bytes32: Note]>([:])

    func note(_ note: Note?, of reference: Bytes32) {
        self.notes.withLock { notes in
            if notes.count >= Self.countMax, notes[reference] == nil {
                let times = notes.values.map(\.time).sorted()
                let middle = times[times.count / 2]
                notes = notes.filter { $0.value.time > middle }
            }
            notes[reference] = note
        }
    }

    func note(of reference: Bytes32, at time: Int64) -> Note? {
        self.notes.withLock { notes in notes[reference].flatMap { time - $0.time <= Self.ageMax ? $0 : nil } }
    }
}
