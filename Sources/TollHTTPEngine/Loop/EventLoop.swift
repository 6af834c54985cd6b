// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CTollLinux
internal import Synchronization
internal import TollHTTP

/// One thread that waits in epoll and runs everything that becomes ready: connections, deadlines and, being a
/// `TaskExecutor`, the jobs of the tasks that prefer it. What starts on a loop stays on it.
public final class EventLoop: TaskExecutor, CustomStringConvertible {
    /// Work handed over by other threads.
    private struct Remote {
        var jobs: [UnownedJob] = []
        var actions: [@Sendable (LoopCore) -> Void] = []
        var isStopped = false

        var isEmpty: Bool { self.jobs.isEmpty && self.actions.isEmpty }
    }

    /// The loop's place in its group.
    public let index: Int
    /// `loop-0`
    public var description: String { "loop-\(self.index)" }

    private let remote = Mutex(Remote())
    private let bell: Bell
    /// Only the loop's own thread may touch it, see ``core``.
    private nonisolated(unsafe) let confined: LoopCore

    init(index: Int) throws(SystemError) {
        self.index = index
        let poller = try Poller()
        self.bell = poller.bell
        unsafe self.confined = LoopCore(poller: poller)
    }

    /// The loop whose thread this is; nil on every other thread.
    public static var current: EventLoop? {
        guard let mark = unsafe toll_thread_mark() else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(mark).takeUnretainedValue()
    }

    /// Whether the calling thread is the loop's.
    public var isCurrent: Bool { unsafe toll_thread_mark() == Unmanaged.passUnretained(self).toOpaque() }

    /// The loop's state. Only on its own thread.
    var core: LoopCore {
        precondition(self.isCurrent, "A loop's state is touched from another thread.")
        return unsafe self.confined
    }

    /// Runs `action` on the loop: at once when this is its thread, else soon. Not at all once the loop has stopped.
    func execute(_ action: @escaping @Sendable (LoopCore) -> Void) {
        if self.isCurrent { return action(unsafe self.confined) }
        self.hand { $0.actions.append(action) }
    }

    /// For the Swift runtime: takes a job of a task that prefers this loop.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if self.isCurrent {
            unsafe self.confined.jobs.append(job)
        } else {
            self.hand { $0.jobs.append(job) }
        }
    }

    /// One ring of the bell per batch: whoever finds the list empty rings.
    private func hand(_ add: (inout Remote) -> Void) {
        let isFirst = self.remote.withLock { remote in
            let wasEmpty = remote.isEmpty
            add(&remote)
            return wasEmpty
        }
        if isFirst { self.bell.ring() }
    }

    // MARK: The thread

    func start() throws(SystemError) {
        try System.startThread(named: self.description) { self.run() }
    }

    /// Ends the thread after the current turn. Jobs handed in later never run.
    func stop() {
        self.remote.withLock { $0.isStopped = true }
        self.bell.ring()
    }

    private func run() {
        unsafe toll_thread_set_mark(Unmanaged.passUnretained(self).toOpaque())
        let core = unsafe self.confined
        var mustCollect = true
        while true {
            if mustCollect, !self.collect(core) { break }
            mustCollect = core.turn(waits: core.jobs.isEmpty)
            self.runJobs(core)
        }
        core.end()
        toll_thread_set_mark(nil)
    }

    /// Takes what other threads handed in. False when the loop is to stop.
    private func collect(_ core: LoopCore) -> Bool {
        let taken = self.remote.withLock { remote in
            defer {
                remote.jobs.removeAll()
                remote.actions.removeAll()
            }
            return remote
        }
        for action in taken.actions { action(core) }
        core.jobs.append(contentsOf: taken.jobs)
        return !taken.isStopped
    }

    /// Runs what is ready now. Jobs that these make wait for the next turn, so that sockets have theirs.
    private func runJobs(_ core: LoopCore) {
        guard !core.jobs.isEmpty else { return }
        swap(&core.jobs, &core.running)
        for job in core.running { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        core.running.removeAll(keepingCapacity: true)
    }
}
