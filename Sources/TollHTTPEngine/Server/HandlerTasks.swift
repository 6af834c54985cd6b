// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// The tasks that handle a loop's requests. One that is done waits for the next request: a task begins with little memory and
/// takes more piece by piece, a dozen of them until a request is answered, and one that waits keeps what it has.
final class HandlerTasks {
    /// A request to be handled. A class: it goes through several hands.
    final class Call {
        fileprivate let handler: any RequestHandler
        fileprivate let channel: ServerChannel
        private var request: Request?

        init(_ request: consuming Request, by handler: any RequestHandler, _ channel: ServerChannel) {
            self.request = request
            self.handler = handler
            self.channel = channel
        }

        /// The request, given away.
        fileprivate func take() -> Request {
            guard let request = self.request.take() else { preconditionFailure("A request is handled twice.") }
            return request
        }
    }

    /// So many wait at most, further ones end: as many as a busy loop has at once. Each has some 10 KiB.
    private static let waitingMax = 64
    /// A task whose request took longer ends, in nanoseconds: it has been through more than is worth keeping, and beginning anew
    /// costs nothing beside that.
    fileprivate static let keptTime: UInt64 = 100_000_000

    private let loop: EventLoop
    fileprivate let core: LoopCore
    private var waiting: [LoopContinuation<LoopBound<Call>?>] = []
    /// Calls for whose sake a task was made, until one has them.
    private var pending: [Call] = []
    private var isOver = false

    init(_ loop: EventLoop, _ core: LoopCore) {
        self.loop = loop
        self.core = core
    }

    /// Has a task handle `call`.
    func handle(_ call: Call) {
        if let task = self.waiting.popLast() { return task.resume(returning: LoopBound(current: call, of: self.loop)) }
        self.pending.append(call)
        let tasks = LoopBound(current: self, of: self.loop)
        // Detached: it may begin within the task of another request, and is to have nothing of that one's.
        Task.detached(executorPreference: self.loop) {
            while let call = await tasks.next(), await tasks.isWorthKeeping(after: call) {}
        }
    }

    /// No request comes any more: lets the tasks end.
    func end() {
        self.isOver = true
        let waiting = self.waiting
        self.waiting = []
        for task in waiting { task.resume(returning: nil) }
    }

    fileprivate func wait(_ task: LoopContinuation<LoopBound<Call>?>) {
        if !self.pending.isEmpty {
            task.resume(returning: LoopBound(current: self.pending.removeFirst(), of: self.loop))
        } else if !self.isOver, self.waiting.count < Self.waitingMax {
            self.waiting.append(task)
        } else {
            task.resume(returning: nil)
        }
    }
}

extension LoopBound<HandlerTasks.Call> {
    /// Only in a task of the loop.
    fileprivate func run() async {
        guard let call = self.ifCurrent else { preconditionFailure("A request is handled off its loop.") }
        await call.handler.handle(call.take(), Responder(call.channel))
    }
}

extension LoopBound<HandlerTasks> {
    /// Handles a call; says whether the task may go on with the next.
    fileprivate func isWorthKeeping(after call: LoopBound<HandlerTasks.Call>) async -> Bool {
        let start = self.now
        await call.run()
        return self.now - start <= HandlerTasks.keptTime
    }

    /// The loop's time, in nanoseconds; only in a task of the loop.
    private var now: UInt64 { self.ifCurrent?.core.now ?? 0 }

    /// The next call for a task that has none; nil when the task is to end.
    fileprivate func next() async -> LoopBound<HandlerTasks.Call>? {
        await withLoopContinuation { task in
            if let tasks = self.ifCurrent { tasks.wait(task) } else { self.execute { $0.wait(task) } }
        }
    }
}
