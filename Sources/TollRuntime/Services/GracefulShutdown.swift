// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Something that happens once, to which handlers can listen: here, the request to stop.
final class OneTimeSignal: Sendable {
    /// The shutdown request of the service in whose task this is read.
    @TaskLocal static var shutdown: OneTimeSignal?

    private struct State {
        var isRaised = false
        var handlers: [UInt64: @Sendable () -> Void] = [:]
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Calls all handlers; later calls do nothing.
    func raise() {
        let handlers = self.state.withLock { state in
            state.isRaised = true
            defer { state.handlers = [:] }
            return state.handlers.sorted { $0.key < $1.key }.map(\.value)
        }
        for handler in handlers { handler() }
    }

    var isRaised: Bool { self.state.withLock { $0.isRaised } }

    /// Calls `handler` once, at once when the signal was raised before. The id forgets it.
    func onRaise(_ handler: @escaping @Sendable () -> Void) -> UInt64? {
        let id: UInt64? = self.state.withLock { state in
            guard !state.isRaised else { return nil }
            state.nextID += 1
            state.handlers[state.nextID] = handler
            return state.nextID
        }
        if id == nil { handler() }
        return id
    }

    func forget(_ id: UInt64?) {
        guard let id else { return }
        self.state.withLock { _ = $0.handlers.removeValue(forKey: id) }
    }

    /// Returns when the signal is raised or the task cancelled.
    func wait() async {
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        let id = self.onRaise { continuation.finish() }
        for await _ in stream {}
        self.forget(id)
    }

    /// Runs `operation`, and cancels it when the signal is raised.
    func cancelling<Value: Sendable>(_ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                await self.wait()
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let value = result { return value }
                group.cancelAll()
            }
            throw CancellationError()
        }
    }
}

/// Runs `operation`, and calls `onGracefulShutdown` when the group asks this service to stop; at once when it already has.
///
/// The handler is called at most once, from any thread. Outside a ``ServiceGroup`` it is never called.
public func withGracefulShutdownHandler<Value>(
    operation: () async throws -> Value,
    onGracefulShutdown handler: @escaping @Sendable () -> Void
) async rethrows -> Value {
    guard let signal = OneTimeSignal.shutdown else { return try await operation() }
    let id = signal.onRaise(handler)
    defer { signal.forget(id) }
    return try await operation()
}

/// Returns when the group asks this service to stop.
///
/// - Throws: `CancellationError` when the task is cancelled first. Outside a ``ServiceGroup`` only that ends the wait.
public func gracefulShutdown() async throws {
    await (OneTimeSignal.shutdown ?? OneTimeSignal()).wait()
    try Task.checkCancellation()
}

/// Runs `operation`, and cancels it when the group asks this service to stop.
public func cancelWhenGracefulShutdown<Value: Sendable>(
    _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await (OneTimeSignal.shutdown ?? OneTimeSignal()).cancelling(operation)
}
