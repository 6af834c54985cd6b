// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One session with a database that reads a ledger: what ``ReaderPool`` needs of it.
package protocol SnapshotReader: SendableMetatype {
    /// Reads inside one snapshot, so that rows and events belong together however many statements it takes.
    func snapshot<Value>(_ read: (Self) throws(StoreError) -> Value) throws(StoreError) -> Value
}

/// A few sessions that read, each on a thread of its own. A read waits only when all of them are busy, never for a write.
package final class ReaderPool<Reader: SnapshotReader>: Sendable {
    /// A session and its thread.
    private final class Session: Sendable {
        let reader: Mutex<Reader?>
        let thread: LedgerThread

        init(_ reader: sending Reader, on thread: LedgerThread) {
            self.reader = Mutex(reader)
            self.thread = thread
        }
    }

    /// A read that waits. It tells its caller itself; without a session, that the ledger is closed.
    private typealias Read = @Sendable (Reader?) -> Void

    private struct State {
        var idle: [Session] = []
        var waiting: [Read] = []
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let sessionCount: Int
    private let waitingCountMax: Int
    private let state: Mutex<State>

    /// Opens `count` sessions. No more than `waitingCountMax` reads wait for one: a ledger that far behind is refused rather than
    /// waited for.
    package init(
        count: Int, waitingCountMax: Int = 16_384, on thread: () -> LedgerThread,
        open: () throws(StoreError) -> sending Reader
    ) throws(StoreError) {
        var sessions: [Session] = []
        for _ in 0..<count { sessions.append(Session(try open(), on: thread())) }
        self.sessionCount = count
        self.waitingCountMax = waitingCountMax
        self.state = Mutex(State(idle: sessions))
    }

    /// Runs `body` over one of the sessions, in one snapshot.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (Reader) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, StoreError>, Never>) in
            let refusal = self.enqueue { reader in
                let result: Result<Value, StoreError>
                do throws(StoreError) {
                    guard let reader else { throw .unavailable("the ledger is closed") }
                    result = .success(try reader.snapshot(body))
                } catch {
                    result = .failure(error)
                }
                continuation.resume(returning: result)
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) }
        }
        return try result.get()
    }

    /// Refuses further reads, waits for those that were accepted, and lets the sessions go.
    package func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLock { state in
                state.isClosed = true
                let isIdle = state.idle.count == self.sessionCount
                if !isIdle { state.closers.append(continuation) }
                return isIdle
            }
            if isIdle { continuation.resume() }
        }
        for session in self.state.withLock({ $0.idle }) { session.reader.withLock { $0 = nil } }
    }

    /// Nil, or why the read is not accepted.
    private func enqueue(_ read: @escaping Read) -> StoreError? {
        let (refusal, session): (StoreError?, Session?) = self.state.withLock { state in
            guard !state.isClosed else { return (.unavailable("the ledger is closed"), nil) }
            if let session = state.idle.popLast() { return (nil, session) }
            guard state.waiting.count < self.waitingCountMax else {
                return (.unavailable("\(self.waitingCountMax) reads already wait for the ledger"), nil)
            }
            state.waiting.append(read)
            return (nil, nil)
        }
        if let session { session.thread.run { self.run(read, on: session) } }
        return refusal
    }

    /// Runs a read, then whatever waits.
    private func run(_ first: @escaping Read, on session: Session) {
        var next: Read? = first
        while let read = next {
            session.reader.withLock { read($0) }
            let closers: [CheckedContinuation<Void, Never>]
            (next, closers) = self.state.withLock { state in
                guard state.waiting.isEmpty else { return (state.waiting.removeFirst(), []) }
                state.idle.append(session)
                guard state.isClosed, state.idle.count == self.sessionCount else { return (nil, []) }
                defer { state.closers = [] }
                return (nil, state.closers)
            }
            for closer in closers { closer.resume() }
        }
    }
}
