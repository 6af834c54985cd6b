// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Runs all tasks of a world on one thread: the seed chooses among the jobs that are ready, and time moves only when none is.
///
/// What is due at one instant wakes together: waking one by one would hide most interleavings.
final class SeededExecutor: TaskExecutor {
    /// How a run ended.
    enum End: Hashable, Sendable {
        /// Its body returned.
        case finished
        /// Nothing can ever run again, and the body has not returned.
        case deadlock
        /// A job came from another thread: something runs outside of the seed.
        case escape
        /// More jobs than any sane run needs.
        case runaway
    }

    /// A timer that was set, to be cancelled by.
    struct TimerID: Hashable, Sendable { fileprivate let order: UInt64 }

    private struct Timer {
        let due: Duration
        let order: UInt64
        let action: @Sendable () -> Void
    }

    private struct State {
        var ready: [UnownedJob] = []
        /// The next one last.
        var timers: [Timer] = []
        var now: Duration = .zero
        var random: SeededRandom
        var order: UInt64 = 0
        var jobs = 0
        var thread: pthread_t?
        var hasEscaped = false
        var isFinished = false
    }

    private static let jobsMax = 3_000_000
    /// What is left when all processes are dead has little to do.
    private static let jobsAfterEndMax = 20_000

    private let state: Mutex<State>

    init(seed: UInt64) {
        self.state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    /// Time since the world began.
    var now: Duration { self.state.withLock { $0.now } }

    /// How many jobs have run.
    var jobs: Int { self.state.withLock { $0.jobs } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.state.withLock { state in
            state.ready.append(job)
            if state.thread != pthread_self() { state.hasEscaped = true }
        }
    }

    /// Begins a task that no preference of its own leads away from here.
    @discardableResult
    func spawn(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self) { await body() }
    }

    /// Calls `action` on the world's thread after `delay`.
    @discardableResult
    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> TimerID {
        self.state.withLock { state in
            state.order += 1
            let timer = Timer(due: state.now + max(delay, .zero), order: state.order, action: action)
            var place = state.timers.count
            while place > 0, state.timers[place - 1].due <= timer.due { place -= 1 }
            state.timers.insert(timer, at: place)
            return TimerID(order: state.order)
        }
    }

    /// Forgets a timer; says whether it was still set.
    @discardableResult
    func cancel(_ timer: TimerID) -> Bool {
        self.state.withLock { state in
            guard let index = state.timers.firstIndex(where: { $0.order == timer.order }) else { return false }
            state.timers.remove(at: index)
            return true
        }
    }

    /// Returns after `duration`; throws when the task is cancelled before.
    func sleep(_ duration: Duration) async throws {
        let wait = Waiting<Void>()
        let timer = self.schedule(after: duration) { wait.resume(()) }
        guard await wait.value != nil else {
            self.cancel(timer)
            throw CancellationError()
        }
    }

    /// Runs `body` to its end on the calling thread, and all that it begins.
    func run(_ body: @escaping @Sendable () async -> Void) -> End {
        self.state.withLock { $0.thread = pthread_self() }
        let root = Task(executorPreference: self) {
            await body()
            self.state.withLock { $0.isFinished = true }
        }
        while true {
            switch self.nextStep() {
            case .job(let job): unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
            case .timers(let timers): for timer in timers { timer.action() }
            case .end(let end):
                if end == .finished { self.drain() } else { root.cancel() }
                return end
            }
        }
    }

    /// Lets whatever still waits come to its end, so that nothing of the world is kept.
    private func drain() {
        let jobsMax = self.jobs + Self.jobsAfterEndMax
        self.state.withLock { $0.isFinished = false }
        while self.jobs < jobsMax {
            switch self.nextStep() {
            case .job(let job): unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
            case .timers(let timers): for timer in timers { timer.action() }
            case .end: return
            }
        }
    }

    private enum Step {
        case job(UnownedJob)
        case timers([Timer])
        case end(End)
    }

    private func nextStep() -> Step {
        self.state.withLock { state in
            if state.hasEscaped { return .end(.escape) }
            if !state.ready.isEmpty {
                state.jobs += 1
                if state.jobs > Self.jobsMax { return .end(.runaway) }
                let chosen = Int(state.random.next() % UInt64(state.ready.count))
                state.ready.swapAt(chosen, state.ready.count - 1)
                return .job(state.ready.removeLast())
            }
            if state.isFinished { return .end(.finished) }
            guard let next = state.timers.last?.due else { return .end(.deadlock) }
            state.now = max(state.now, next)
            var due: [Timer] = []
            while let timer = state.timers.last, timer.due <= next { due.append(state.timers.removeLast()) }
            return .timers(due)
        }
    }
}

/// A value that one task waits for and somebody else brings. Nil when the task was cancelled first.
final class Waiting<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value?, Never>)
        case done(Value?)
    }

    private let state = Mutex(State.empty)

    /// Brings the value; only the first counts.
    func resume(_ value: Value?) {
        let continuation = self.state.withLock { state -> CheckedContinuation<Value?, Never>? in
            switch state {
            case .empty:
                state = .done(value)
                return nil
            case .waiting(let continuation):
                state = .done(value)
                return continuation
            case .done: return nil
            }
        }
        continuation?.resume(returning: value)
    }

    /// Waits for it.
    var value: Value? {
        get async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let ready = self.state.withLock { state -> Value?? in
                        if case .done(let value) = state { return .some(value) }
                        state = .waiting(continuation)
                        return .none
                    }
                    if let ready { continuation.resume(returning: ready) }
                }
            } onCancel: {
                self.resume(nil)
            }
        }
    }
}
