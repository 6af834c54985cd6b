// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization
internal import TollPayments

/// The one writer, on a thread of its own. Whatever was asked for while the last commit ran goes into the next transaction
/// together: one wait for the disk, then everyone is answered.
final class GroupCommitQueue: Sendable {
    /// The most writes in one transaction: past this, one wait for the disk is already shared by so many that more would only
    /// make the first of them wait longer.
    static let groupCountMax = 256
    /// The most writes that may wait. A disk this far behind is down; refusing closes the gate (invariant I7) before memory does.
    static let waitingCountMax = 16_384

    /// A write that waits.
    private struct Write: Sendable {
        /// Changes the ledger inside the group's transaction; gives what tells the caller once that is durable.
        let perform: @Sendable (LedgerWriter) throws(StoreError) -> @Sendable () -> Void
        /// Tells the caller that nothing was changed, and why.
        let fail: @Sendable (StoreError) -> Void
    }

    /// What a write of an open transaction came to.
    private enum Outcome {
        case performed(tell: @Sendable () -> Void)
        case failed(StoreError)
    }

    private struct State {
        var waiting: [Write] = []
        var isDraining = false
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let writer: Mutex<LedgerWriter?>
    private let thread = DispatchQueue(label: "tollgate.ledger.writer")
    private let waitingCountMax: Int

    /// Takes the connection over.
    init(_ connection: sending SQLiteConnection, waitingCountMax: Int = GroupCommitQueue.waitingCountMax) {
        self.waitingCountMax = waitingCountMax
        self.writer = Mutex(LedgerWriter(connection))
    }

    /// Runs `body` in a group's transaction and returns when that is durable. When `body` throws, it fails alone. A caller that
    /// is cancelled is answered all the same: what was asked for happens.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (LedgerWriter) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, StoreError>, Never>) in
            let write = Write(
                perform: { writer throws(StoreError) in
                    let value = try body(writer)
                    return { continuation.resume(returning: .success(value)) }
                },
                fail: { continuation.resume(returning: .failure($0)) }
            )
            if let refusal = self.enqueue(write) { write.fail(refusal) }
        }
        return try result.get()
    }

    /// Refuses further writes, waits for those that were accepted, and closes the connection.
    func close() async {
        await withCheckedContinuation { continuation in
            self.state.withLock { state in
                state.isClosed = true
                state.closers.append(continuation)
                self.startDraining(&state)
            }
        }
    }

    /// Nil, or why the write is not accepted.
    private func enqueue(_ write: Write) -> StoreError? {
        self.state.withLock { state in
            guard !state.isClosed else { return .unavailable("the ledger is closed") }
            guard state.waiting.count < self.waitingCountMax else {
                return .unavailable("\(self.waitingCountMax) writes already wait for the ledger's disk")
            }
            state.waiting.append(write)
            self.startDraining(&state)
            return nil
        }
    }

    private func startDraining(_ state: inout State) {
        guard !state.isDraining else { return }
        state.isDraining = true
        self.thread.async { self.drain() }
    }

    /// Commits group after group until nothing waits.
    private func drain() {
        while true {
            let (group, closers) = self.state.withLock { state in
                let group = Array(state.waiting.prefix(Self.groupCountMax))
                state.waiting.removeFirst(group.count)
                let closers = group.isEmpty ? state.closers : []
                if group.isEmpty { (state.isDraining, state.closers) = (false, []) }
                return (group, closers)
            }
            guard group.isEmpty else {
                self.commit(group)
                continue
            }
            if !closers.isEmpty { self.writer.withLock { $0 = nil } }
            for closer in closers { closer.resume() }
            return
        }
    }

    /// Performs a group and tells every caller of it, exactly once.
    private func commit(_ group: [Write]) {
        let outcomes = self.writer.withLock { writer -> [Outcome] in
            let closed = StoreError.unavailable("the ledger is closed")
            guard let writer else { return group.map { _ in .failed(closed) } }
            return Self.transact(group, writer)
        }
        for (write, outcome) in zip(group, outcomes) {
            switch outcome {
            case .performed(let tell): tell()
            case .failed(let error): write.fail(error)
            }
        }
    }

    /// One transaction. When it as a whole fails, so does every write of it, and nobody is told of success.
    private static func transact(_ group: [Write], _ writer: LedgerWriter) -> [Outcome] {
        var outcomes: [Outcome] = []
        do throws(StoreError) {
            try writer.connection.run("BEGIN IMMEDIATE")
            for write in group { outcomes.append(try self.perform(write, writer)) }
            try writer.connection.run("COMMIT")
            return outcomes
        } catch {
            // Where even the rollback fails, every later BEGIN fails too: the ledger stays closed.
            if writer.connection.isInTransaction { try? writer.connection.run("ROLLBACK") }
            writer.forget()
            return group.indices.map { index in
                if index < outcomes.count, case .failed(let own) = outcomes[index] { .failed(own) } else { .failed(error) }
            }
        }
    }

    /// One write in a savepoint of its own. Throws when not this write but the transaction is lost: a full or failing disk makes
    /// SQLite roll all of it back.
    private static func perform(_ write: Write, _ writer: LedgerWriter) throws(StoreError) -> Outcome {
        let connection = writer.connection
        try connection.run("SAVEPOINT one")
        let outcome: Outcome
        do throws(StoreError) {
            outcome = .performed(tell: try write.perform(writer))
        } catch {
            guard connection.isInTransaction else { throw error }
            try connection.run("ROLLBACK TO one")
            outcome = .failed(error)
        }
        try connection.run("RELEASE one")
        return outcome
    }
}
