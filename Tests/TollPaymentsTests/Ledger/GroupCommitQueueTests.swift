// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Testing
import TollPayments

/// What was asked of a database, in order.
private final class CallLog: Sendable {
    private let entries = Mutex<[String]>([])

    var calls: [String] { self.entries.withLock { $0 } }

    func note(_ call: String) { self.entries.withLock { $0.append(call) } }
}

/// Holds a thread until it is opened.
private final class Gate: Sendable {
    let isOpen = Mutex(false)
}

/// A database that writes down what is asked of it, and fails where it is told to.
private final class ScriptedWriter: TransactionalWriter {
    private let log: CallLog
    private let failing: String?
    private let restores: Bool
    private(set) var isInTransaction = false

    /// A writer whose call named `failing` fails, and which can or cannot undo one write of several.
    init(_ log: CallLog = CallLog(), failingAt failing: String? = nil, restores: Bool = true) {
        self.log = log
        self.failing = failing
        self.restores = restores
    }

    func begin() throws(StoreError) {
        try self.note("begin")
        self.isInTransaction = true
    }

    func mark() throws(StoreError) { try self.note("mark") }
    func restore() throws(StoreError) -> Bool {
        try self.note("restore")
        return self.restores
    }
    func unmark() throws(StoreError) { try self.note("unmark") }

    func commit() throws(StoreError) {
        try self.note("commit")
        self.isInTransaction = false
    }

    func rollBack() {
        self.log.note("roll back")
        self.isInTransaction = false
    }

    func note(_ call: String) throws(StoreError) {
        self.log.note(call)
        guard call != self.failing else { throw .unavailable("\(call) failed") }
    }
}

@Suite struct GroupCommitQueueTests {
    @Test func `a write is marked, kept and committed`() async throws {
        let log = CallLog()
        let queue = GroupCommitQueue(ScriptedWriter(log), on: .callers)
        try await queue.write { writer throws(StoreError) in try writer.note("first") }
        #expect(log.calls == ["begin", "mark", "first", "unmark", "commit"])
        await queue.close()
    }

    @Test func `a write that throws is undone alone and the transaction committed`() async throws {
        let log = CallLog()
        let queue = GroupCommitQueue(ScriptedWriter(log), on: .callers)
        await #expect(throws: StoreError.defect("no")) { try await queue.write { _ throws(StoreError) in throw .defect("no") } }
        #expect(log.calls == ["begin", "mark", "restore", "unmark", "commit"])
        await queue.close()
    }

    @Test func `a write that cannot be undone alone is undone with its group, and the others are performed again`() async throws {
        let log = CallLog()
        let queue = GroupCommitQueue(ScriptedWriter(log, restores: false), on: .own("test.writer"))
        let (isRunning, signal) = AsyncStream.makeStream(of: Void.self)
        let gate = Gate()
        async let first: Void = queue.write { _ throws(StoreError) in
            signal.finish()
            while !gate.isOpen.withLock({ $0 }) { sched_yield() }
        }
        for await _ in isRunning {}
        // While the first is at work these gather, and are performed together.
        let outcomes = await withTaskGroup(of: StoreError?.self) { group in
            for name in ["good", "bad", "good"] {
                group.addTask {
                    do throws(StoreError) {
                        try await queue.write { writer throws(StoreError) in
                            try writer.note(name)
                            guard name == "good" else { throw .defect("no") }
                        }
                    } catch { return error }
                    return nil
                }
            }
            group.addTask {
                while queue.waitingCount < 3 { await Task.yield() }
                gate.isOpen.withLock { $0 = true }
                return nil
            }
            return await group.reduce(into: [StoreError]()) { $0 += $1.map { [$0] } ?? [] }
        }
        try await first
        #expect(outcomes == [.defect("no")])
        let calls = log.calls.dropFirst(4)
        #expect(calls.filter { $0 == "commit" }.count == 2)
        #expect(calls.filter { $0 == "roll back" }.count == 2)
        #expect(calls.last == "commit" || calls.last == "roll back")
        await queue.close()
    }

    @Test func `a write alone that cannot be undone to its mark fails with its transaction`() async throws {
        let log = CallLog()
        let queue = GroupCommitQueue(ScriptedWriter(log, restores: false), on: .callers)
        await #expect(throws: StoreError.defect("no")) { try await queue.write { _ throws(StoreError) in throw .defect("no") } }
        #expect(log.calls == ["begin", "mark", "restore", "roll back"])
        await queue.close()
    }

    @Test(arguments: ["begin", "mark", "unmark", "commit"])
    func `when the database fails, everything is undone and nobody is told of success`(call: String) async throws {
        let log = CallLog()
        let queue = GroupCommitQueue(ScriptedWriter(log, failingAt: call), on: .callers)
        await #expect(throws: StoreError.unavailable("\(call) failed")) {
            try await queue.write { _ throws(StoreError) in }
        }
        #expect(log.calls.suffix(2) == [call, "roll back"])
        await queue.close()
    }

    @Test func `a write whose failure ended the transaction is not undone a second time, and fails the group`() async throws {
        let log = CallLog()
        let queue = GroupCommitQueue(ScriptedWriter(log), on: .callers)
        await #expect(throws: StoreError.unavailable("the disk is gone")) {
            try await queue.write { writer throws(StoreError) in
                writer.rollBack()
                throw .unavailable("the disk is gone")
            }
        }
        #expect(log.calls == ["begin", "mark", "roll back", "roll back"])
        await queue.close()
    }

    @Test func `a closed queue refuses`() async throws {
        let queue = GroupCommitQueue(ScriptedWriter(), on: .callers)
        await queue.close()
        await #expect(throws: StoreError.unavailable("the ledger is closed")) {
            try await queue.write { _ throws(StoreError) in }
        }
    }

    @Test func `more writes than may wait are refused, not kept`() async throws {
        var limits = GroupCommitLimits()
        limits.waitingCountMax = 8
        let queue = GroupCommitQueue(ScriptedWriter(), on: .own("test.writer"), limits: limits)
        let (isRunning, signal) = AsyncStream.makeStream(of: Void.self)
        async let slow: Void = queue.write { _ throws(StoreError) in
            signal.finish()
            usleep(100_000)
        }
        for await _ in isRunning {}
        let refusals = await withTaskGroup(of: StoreError?.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    do throws(StoreError) { try await queue.write { _ throws(StoreError) in } } catch { return error }
                    return nil
                }
            }
            return await group.reduce(into: [StoreError]()) { $0 += $1.map { [$0] } ?? [] }
        }
        try await slow
        #expect(refusals.count <= 92)
        #expect(!refusals.isEmpty && refusals.allSatisfy { $0.reason == "8 writes already wait for the ledger's disk" })
        await queue.close()
    }
}
