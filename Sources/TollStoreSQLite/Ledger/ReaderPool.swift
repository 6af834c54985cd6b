// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization
internal import TollPayments

/// A few read-only connections, each on a thread of its own. A read waits only when all of them are busy, never for a write.
final class ReaderPool: Sendable {
    /// The most reads that may wait; a ledger this far behind is refused rather than waited for.
    static let waitingCountMax = 16_384

    /// One connection and its thread.
    private final class Reader: Sendable {
        let connection: Mutex<SQLiteConnection?>
        let thread = DispatchQueue(label: "tollgate.ledger.reader")

        init(_ connection: sending SQLiteConnection) {
            self.connection = Mutex(connection)
        }
    }

    /// A read that waits. It tells its caller itself; without a connection, that the ledger is closed.
    private typealias Read = @Sendable (LedgerReader?) -> Void

    private struct State {
        var idle: [Reader] = []
        var waiting: [Read] = []
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let readerCount: Int
    private let state: Mutex<State>

    /// Opens `count` connections.
    init(path: String, count: Int) throws(StoreError) {
        var readers: [Reader] = []
        for _ in 0..<count {
            let connection = try SQLiteConnection(path: path, access: .readOnly)
            try connection.run("PRAGMA query_only = ON")
            readers.append(Reader(connection))
        }
        self.readerCount = count
        self.state = Mutex(State(idle: readers))
    }

    /// Runs `body` over one of the connections, in one snapshot.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (LedgerReader) throws(StoreError) -> Value
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

    /// Refuses further reads, waits for those that were accepted, and closes the connections.
    func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLock { state in
                state.isClosed = true
                let isIdle = state.idle.count == self.readerCount
                if !isIdle { state.closers.append(continuation) }
                return isIdle
            }
            if isIdle { continuation.resume() }
        }
        for reader in self.state.withLock({ $0.idle }) { reader.connection.withLock { $0 = nil } }
    }

    /// Nil, or why the read is not accepted.
    private func enqueue(_ read: @escaping Read) -> StoreError? {
        self.state.withLock { state in
            guard !state.isClosed else { return .unavailable("the ledger is closed") }
            guard let reader = state.idle.popLast() else {
                guard state.waiting.count < Self.waitingCountMax else {
                    return .unavailable("\(Self.waitingCountMax) reads already wait for the ledger")
                }
                state.waiting.append(read)
                return nil
            }
            reader.thread.async { self.run(read, on: reader) }
            return nil
        }
    }

    /// Runs a read, then whatever waits.
    private func run(_ first: @escaping Read, on reader: Reader) {
        var next: Read? = first
        while let read = next {
            reader.connection.withLock { connection in read(connection.map(LedgerReader.init)) }
            let closers: [CheckedContinuation<Void, Never>]
            (next, closers) = self.state.withLock { state in
                guard state.waiting.isEmpty else { return (state.waiting.removeFirst(), []) }
                state.idle.append(reader)
                guard state.isClosed, state.idle.count == self.readerCount else { return (nil, []) }
                defer { state.closers = [] }
                return (nil, state.closers)
            }
            for closer in closers { closer.resume() }
        }
    }
}
