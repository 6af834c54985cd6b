// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CTollLinux
private import Glibc
internal import Synchronization
public import TollHTTP

/// The loops of a process, usually one per core, each on its own thread.
public final class EventLoopGroup: Sendable {
    /// The loops. Never empty.
    public let loops: [EventLoop]
    private let turn = Atomic(0)

    /// Starts `count` loops.
    ///
    /// - Throws: `unavailable` when the system has no thread or descriptor left.
    public init(count: Int) throws(HTTPError) {
        precondition(count > 0, "A group has at least one loop.")
        do throws(SystemError) {
            var loops: [EventLoop] = []
            for index in 0..<count { loops.append(try EventLoop(index: index)) }
            for loop in loops { try loop.start() }
            self.loops = loops
        } catch {
            throw HTTPError(.unavailable, "an event loop cannot be started: \(error)")
        }
    }

    deinit {
        for loop in self.loops { loop.stop() }
    }

    /// The loop whose thread this is if it belongs to the group, else the next in turn.
    public var any: EventLoop {
        if let current = EventLoop.current, self.owns(current) { return current }
        return self.loops[self.turn.wrappingAdd(1, ordering: .relaxed).oldValue % self.loops.count]
    }

    /// Whether the loop is one of this group.
    public func owns(_ loop: EventLoop) -> Bool { loop.index < self.loops.count && self.loops[loop.index] === loop }

    /// The processors this process may use.
    public static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// For a program that serves: what requests free is used by the next ones, and not given back to the system in between, page
    /// by page and many times a second. Holds for the whole process.
    public static func keepFreedMemory() { toll_keep_freed_memory(self.keptBytes, Int32(self.coreCount + 1)) }

    /// What some hundred requests in work take, for each of the C library's arenas: one for each core, whose loop seldom has to
    /// share it, and one for all other threads. With eight for each core, as many as there would be, what is kept depended on
    /// which threads happened to be busy at once.
    private static let keptBytes: Int32 = 8 << 20

    /// Runs an asynchronous function on the first loop and blocks the calling thread until it has ended: the bridge
    /// from a plain `main`. Must not be called on a loop.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) throws -> Result {
        precondition(EventLoop.current == nil, "A loop cannot wait for itself.")
        let poller = try Poller()
        let done = ThreadGate<Swift.Result<Result, any Error>>(bell: poller.bell)
        Task(executorPreference: self.loops[0]) {
            do {
                done.open(.success(try await body()))
            } catch {
                done.open(.failure(error))
            }
        }
        return try done.wait(poller).get()
    }
}
