// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Testing

@testable import TollRuntime

@Suite struct ServiceGroupMachineTests {
    @Test func `services drain one by one, the last first`() {
        var machine = ServiceGroupMachine(serviceCount: 3)
        #expect(machine.stopRequested() == [.startDrainTimer, .drain(2)])
        #expect(machine.finished(2) == [.drain(1)])
        #expect(machine.finished(0) == [])
        #expect(machine.finished(1) == [.end])
        #expect(machine.drainTimePassed() == [])
    }

    @Test func `a service that ends on its own takes the others along`() {
        var machine = ServiceGroupMachine(serviceCount: 2)
        #expect(machine.finished(1) == [.startDrainTimer, .drain(0)])
        #expect(machine.finished(0) == [.end])
        var alone = ServiceGroupMachine(serviceCount: 1)
        #expect(alone.finished(0) == [.end])
    }

    @Test func `when draining takes too long all are cancelled, and then abandoned`() {
        var machine = ServiceGroupMachine(serviceCount: 3)
        _ = machine.stopRequested()
        #expect(machine.drainTimePassed() == [.cancelAll, .startCancelTimer])
        #expect(machine.finished(1) == [])
        #expect(machine.stopRequested() == [])
        #expect(machine.cancelTimePassed() == [.abandon(running: [0, 2])])
    }

    @Test func `a second signal does not wait`() {
        var machine = ServiceGroupMachine(serviceCount: 1)
        _ = machine.stopRequested()
        #expect(machine.stopRequested() == [.cancelAll, .startCancelTimer])
        #expect(machine.finished(0) == [.end])
        #expect(machine.cancelTimePassed() == [])
    }
}

@Suite struct ServiceGroupTests {
    private struct Failure: Error {}

    private final class Journal: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { self.lines.withLock { $0 } }
        func add(_ line: String) { self.lines.withLock { $0.append(line) } }
    }

    private struct Worker: Service {
        var name: String
        var journal: Journal
        var onStart: @Sendable () async throws -> Void = {}
        var ignoresShutdown = false

        func run() async throws {
            defer { self.journal.add("\(self.name) ends") }
            try await self.onStart()
            if self.ignoresShutdown {
                await OneTimeSignal().wait()
                throw CancellationError()
            }
            try await gracefulShutdown()
            self.journal.add("\(self.name) drains")
        }
    }

    /// Sleeps end only by cancellation, unless `sleep` says otherwise.
    private static func group(
        _ services: [any Service],
        sleep: @escaping @Sendable (Duration) async throws -> Void = { _ in
            await OneTimeSignal().wait()
            throw CancellationError()
        },
        onReload: (@Sendable () async -> Void)? = nil,
        abandon: @escaping @Sendable () -> Void = { Issue.record("the process is abandoned") }
    ) -> ServiceGroup {
        var environment = Environment.failing
        environment.sleep = sleep
        return ServiceGroup(services: services, environment: environment, logger: .silent, onReload: onReload, abandon: abandon)
    }

    private static func signals(_ signals: ProcessSignal...) -> AsyncStream<ProcessSignal> {
        let (stream, continuation) = AsyncStream<ProcessSignal>.makeStream()
        for signal in signals { continuation.yield(signal) }
        return stream
    }

    @Test func `a signal stops services in the reverse order of their start`() async throws {
        let journal = Journal()
        let group = Self.group(["a", "b", "c"].map { Worker(name: $0, journal: journal) })
        try await group.run(signals: Self.signals(.terminate))
        #expect(journal.all == ["c drains", "c ends", "b drains", "b ends", "a drains", "a ends"])
    }

    @Test func `a failing service stops the group with its error`() async throws {
        let journal = Journal()
        let failing = Worker(name: "bad", journal: journal, onStart: { throw Failure() })
        await #expect(throws: Failure.self) {
            try await Self.group([Worker(name: "good", journal: journal), failing]).run(signals: nil)
        }
        #expect(journal.all == ["bad ends", "good drains", "good ends"])
    }

    @Test func `who does not drain in time is cancelled`() async throws {
        let journal = Journal()
        let stubborn = Worker(name: "stubborn", journal: journal, ignoresShutdown: true)
        let group = Self.group(
            [stubborn],
            sleep: { duration in
                guard duration == .seconds(5) else { return }  // The drain deadline passes at once.
                await OneTimeSignal().wait()
                throw CancellationError()
            }
        )
        try await group.run(signals: Self.signals(.terminate))
        #expect(journal.all == ["stubborn ends"])
    }

    @Test func `a second signal cancels at once`() async throws {
        let journal = Journal()
        let stubborn = Worker(name: "stubborn", journal: journal, ignoresShutdown: true)
        try await Self.group([stubborn]).run(signals: Self.signals(.interrupt, .interrupt))
        #expect(journal.all == ["stubborn ends"])
    }

    @Test func `cancelling the group's task cancels its services`() async throws {
        let journal = Journal()
        let group = Self.group([Worker(name: "a", journal: journal), Worker(name: "b", journal: journal)])
        await withTaskGroup { tasks in
            tasks.addTask { try? await group.run(signals: nil) }
            tasks.cancelAll()
        }
        #expect(Set(journal.all) == ["a ends", "b ends"])
    }

    @Test func `a service cancels part of its work when asked to stop`() async throws {
        struct Part: Service {
            func run() async throws {
                await #expect(throws: CancellationError.self) {
                    try await cancelWhenGracefulShutdown {
                        await OneTimeSignal().wait()
                        throw CancellationError()
                    }
                }
            }
        }
        try await Self.group([Part()]).run(signals: Self.signals(.terminate))
    }

    @Test func `a handler set after the request is called at once`() async throws {
        struct Late: Service {
            func run() async throws {
                try await gracefulShutdown()
                let isCalled = Mutex(false)
                await withGracefulShutdownHandler {
                } onGracefulShutdown: {
                    isCalled.withLock { $0 = true }
                }
                #expect(isCalled.withLock { $0 })
            }
        }
        try await Self.group([Late()]).run(signals: Self.signals(.terminate))
    }

    @Test func `signals of the process reload and then stop it`() async throws {
        let journal = Journal()
        let group = Self.group(
            [Worker(name: "a", journal: journal, onStart: { kill(getpid(), SIGHUP) })],
            onReload: {
                journal.add("reload")
                kill(getpid(), SIGTERM)
            }
        )
        try await group.run()
        #expect(journal.all == ["reload", "a drains", "a ends"])
    }
}

@Suite struct EnvironmentTests {
    @Test func `live clocks go forward and live bytes differ`() {
        let environment = Environment.live
        let (first, second) = (environment.monotonic(), environment.monotonic())
        #expect(first <= second)
        #expect(environment.now() > 1_700_000_000)
        #expect([0, 1, 7, 8, 33].map { environment.randomBytes($0).count } == [0, 1, 7, 8, 33])
        #expect(environment.randomBytes(32) != environment.randomBytes(32))
    }

    @Test func `the failing environment stops a test that forgot to set it`() async {
        await #expect(processExitsWith: .failure) { _ = Environment.failing.now() }
    }

    @Test func `files are read whole, up to their limit`() throws {
        let path = "/tmp/tollgate-tests-\(getpid())"
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        #expect(unsafe write(descriptor, "12345", 5) == 5)
        close(descriptor)
        defer { _ = unsafe unlink(path) }
        #expect(try FileContents.read(path, byteCountMax: 5) == Array("12345".utf8))
        #expect(throws: FileError(path: path, reason: "more than 4B")) { try FileContents.read(path, byteCountMax: 4) }
        #expect(throws: FileError(path: "/nowhere", reason: "No such file or directory")) {
            try FileContents.read("/nowhere", byteCountMax: 4)
        }
    }
}
