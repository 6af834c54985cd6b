// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The one writer of a ledger, on a thread of its own. Whatever was asked for while the last commit ran goes into the next
/// transaction together: one wait for the disk, then everyone is answered.
package final class GroupCommitQueue<Writer: TransactionalWriter>: Sendable {
    /// A write that waits.
    private struct Write: Sendable {
        /// Changes the ledger inside the group's transaction; gives what tells the caller once that is durable.
        let perform: @Sendable (Writer) throws(StoreError) -> @Sendable () -> Void
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
    private let writer: Mutex<Writer?>
    private let thread: LedgerThread
    private let limits: GroupCommitLimits

    /// Takes the writer over.
    package init(_ writer: sending Writer, on thread: LedgerThread, limits: GroupCommitLimits = GroupCommitLimits()) {
        self.writer = Mutex(writer)
        self.thread = thread
        self.limits = limits
    }

    /// Runs `body` in a group's transaction and returns when that is durable. When `body` throws, it fails alone. A caller that
    /// is cancelled is answered all the same: what was asked for happens.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (Writer) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, StoreError>, Never>) in
            let write = Write(
                perform: { writer throws(StoreError) in
                    let value = try body(writer)
                    return { continuation.resume(returning: .success(value)) }
                },
                fail: { continuation.resume(returning: .failure($0)) }
            )
            self.enqueue(write)
        }
        return try result.get()
    }

    /// Refuses further writes, waits for those that were accepted, and lets the writer go.
    package func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLock { state in
                state.isClosed = true
                state.closers.append(continuation)
                return Self.startsDraining(&state)
            }
            if isIdle { self.thread.run { self.drain() } }
        }
    }

    /// Writes that nobody works on yet.
    package var waitingCount: Int { self.state.withLock { $0.waiting.count } }

    private func enqueue(_ write: Write) {
        let (refusal, isIdle): (StoreError?, Bool) = self.state.withLock { state in
            guard !state.isClosed else { return (.unavailable("the ledger is closed"), false) }
            guard state.waiting.count < self.limits.waitingCountMax else {
                return (.unavailable("\(self.limits.waitingCountMax) writes already wait for the ledger's disk"), false)
            }
            state.waiting.append(write)
            return (nil, Self.startsDraining(&state))
        }
        if let refusal { write.fail(refusal) }
        if isIdle { self.thread.run { self.drain() } }
    }

    /// Whether nobody drains yet, so that the caller must see to it.
    private static func startsDraining(_ state: inout State) -> Bool {
        defer { state.isDraining = true }
        return !state.isDraining
    }

    /// Commits group after group until nothing waits.
    private func drain() {
        while true {
            let (group, closers) = self.state.withLock { state in
                let group = Array(state.waiting.prefix(self.limits.groupCountMax))
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
            // One that broke off half-way took the others with it. Nothing of them has happened: each gets one of its own.
            return Self.transact(group, writer) ?? group.flatMap { Self.transact([$0], writer) ?? [] }
        }
        for (write, outcome) in zip(group, outcomes) {
            switch outcome {
            case .performed(let tell): tell()
            case .failed(let error): write.fail(error)
            }
        }
    }

    /// One transaction. When it as a whole fails, so does every write of it, and nobody is told of success. Nil, and all of it
    /// undone, when one of several writes has broken off and cannot be undone alone.
    private static func transact(_ group: [Write], _ writer: Writer) -> [Outcome]? {
        var outcomes: [Outcome] = []
        do throws(StoreError) {
            try writer.begin()
            for write in group {
                guard let outcome = try self.perform(write, writer, isAlone: group.count == 1) else {
                    writer.rollBack()
                    return nil
                }
                outcomes.append(outcome)
            }
            try writer.commit()
            return outcomes
        } catch {
            writer.rollBack()
            return group.indices.map { index in
                if index < outcomes.count, case .failed(let own) = outcomes[index] { .failed(own) } else { .failed(error) }
            }
        }
    }

    /// One write. Throws when not this write but the transaction is lost: a full or failing disk undoes all of it. Nil when the
    /// write has failed and cannot be undone without the others.
    private static func perform(_ write: Write, _ writer: Writer, isAlone: Bool) throws(StoreError) -> Outcome? {
        try writer.mark()
        let outcome: Outcome
        do throws(StoreError) {
            outcome = .performed(tell: try write.perform(writer))
        } catch {
            guard writer.isInTransaction else { throw error }
            guard try writer.restore() else {
                if isAlone { throw error }
                return nil
            }
            outcome = .failed(error)
        }
        try writer.unmark()
        return outcome
    }
}

/// How much a ledger's writer takes on at once.
package struct GroupCommitLimits: Sendable {
    /// The most writes in one transaction: past this, one wait for the disk is already shared by so many that more would only
    /// make the first of them wait longer.
    package var groupCountMax = 256
    /// The most writes that may wait. A disk this far behind is down; refusing closes the gate (invariant I7) before memory does.
    package var waitingCountMax = 16_384

    /// The limits that a server has.
    package init() {}
}
