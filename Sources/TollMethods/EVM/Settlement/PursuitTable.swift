// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollPayments
internal import TollPrimitives

/// The signers' numbers that this process is at work on: each by one pursuit, and no more than memory and nodes bear.
final class PursuitTable: Sendable {
    /// A number of a signer.
    struct Number: Hashable, Sendable {
        let chain: ChainID
        let signer: String
        let number: UInt64
    }

    private enum Owner {
        /// A pursuit is running.
        case running
        /// The request that ran it has left, and nobody has taken it up yet.
        case left
    }

    private struct State {
        var owners: [Number: Owner] = [:]
        var joining: [Number: [PaymentRecord]] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: How many numbers may be in work at once.
    init(limit: Int) {
        self.limit = limit
    }

    /// Whether nothing new should be signed: the chain does not keep up.
    var isFull: Bool { self.state.withLock { $0.owners.count >= self.limit } }

    /// Begins to work on a number; false when somebody here does.
    func begin(_ number: Number) -> Bool {
        self.state.withLock { state in
            guard state.owners[number] != .running else { return false }
            state.owners[number] = .running
            return true
        }
    }

    /// Whoever worked on a number has stopped, and it is not over.
    func leave(_ number: Number) {
        self.state.withLock { $0.owners[number] = .left }
    }

    /// The work on a number is over, or will be taken up from the ledger.
    func end(_ number: Number) {
        self.state.withLock { state in
            state.owners[number] = nil
            state.joining[number] = nil
        }
    }

    /// Whether somebody here runs the pursuit of a number.
    func isRunning(_ number: Number) -> Bool {
        self.state.withLock { $0.owners[number] == .running }
    }

    /// Whether anybody here is at a number, or will be.
    func knows(_ number: Number) -> Bool {
        self.state.withLock { $0.owners[number] != nil }
    }

    /// More payments for a running pursuit of their number.
    func join(_ records: [PaymentRecord], to number: Number) {
        self.state.withLock { $0.joining[number, default: []] += records }
    }

    /// The payments that have joined since the last call.
    func takeJoining(_ number: Number) -> [PaymentRecord] {
        self.state.withLock { $0.joining.removeValue(forKey: number) ?? [] }
    }
}
