// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// A server's part on one loop: its listening sockets and the connections they accepted.
final class ServerShard: Watcher {
    let loop: EventLoop
    let core: LoopCore
    private(set) var handler: any RequestHandler
    private(set) var limits: ServerLimits
    /// Reads the heads that come in one piece. Always reset between connections.
    var parser: RequestParser
    /// Collects the answers of one event. Empty between events.
    var answer: ImmediateAnswer
    private(set) var isDraining = false

    /// What handles the requests that are not answered at once.
    let tasks: HandlerTasks
    /// Sends the requests that are passed on; nil when every request is handled.
    let client: ClientShard?
    /// Heads of requests that were passed on, for the memory they have.
    private var spareHeads: [RequestHead] = []

    /// Shared with the server's other loops.
    let networks: NetworkCounts

    private var listeners: [ServerListener] = []
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var connectionMax: Int
    private var drained: CheckedContinuation<Void, Never>?

    /// Only on the loop's thread.
    init(
        _ loop: EventLoop, handler: any RequestHandler, client: ClientShard?, limits: ServerLimits, connectionMax: Int,
        networks: NetworkCounts
    ) {
        self.loop = loop
        self.core = loop.core
        self.handler = handler
        self.limits = limits
        self.connectionMax = connectionMax
        self.networks = networks
        self.tasks = HandlerTasks(loop, core)
        self.client = client
        self.parser = RequestParser(limits: limits)
        self.answer = ImmediateAnswer(dateField: self.core.date, passesOn: client != nil, fill: System.fillRandom)
    }

    func listen(on sockets: [(Socket, ServerEndpoint)]) throws(SystemError) {
        try self.core.register(self)
        for (socket, endpoint) in sockets {
            let listener = ServerListener(socket, endpoint, shard: self)
            try listener.open()
            self.listeners.append(listener)
        }
        self.core.everySecond { [weak self] date in
            self?.answer.dateField = date
            return self != nil
        }
    }

    /// Serves by `handler` and within `limits` what comes from now on. What is under way ends as it began, and no connection is
    /// closed.
    func replace(handler: (any RequestHandler)?, limits: ServerLimits, connectionMax: Int) {
        if let handler { self.handler = handler }
        self.limits = limits
        self.connectionMax = connectionMax
        self.parser.reset(limits: limits)
        for listener in self.listeners { listener.resume() }
    }

    // MARK: Heads

    /// So many spare heads are kept at most, of so many bytes: as a busy loop uses one after the other.
    private static let (spareHeadMax, spareHeadByteMax) = (64, 4 * 1024)

    func takeSpareHead() -> RequestHead { self.spareHeads.popLast() ?? RequestHead(method: .get, target: []) }

    func keepSpareHead(_ head: consuming RequestHead) {
        let byteCount = head.target.count + head.fields.storedByteCount
        guard self.spareHeads.count < Self.spareHeadMax, byteCount <= Self.spareHeadByteMax else { return }
        self.spareHeads.append(head)
    }

    // MARK: Connections

    var isFull: Bool { self.connections.count >= self.connectionMax }

    func open(_ connection: ServerConnection) {
        self.connections[ObjectIdentifier(connection)] = connection
        do throws(SystemError) { try connection.open() } catch { connection.drop() }
    }

    func closed(_ connection: ServerConnection) {
        self.connections[ObjectIdentifier(connection)] = nil
        self.networks.leave(connection.network)
        for listener in self.listeners { listener.resume() }
        if self.isDraining, self.connections.isEmpty { self.endDrain() }
    }

    // MARK: Draining

    /// Accepts nobody any more, closes what is idle and lets the rest finish; cuts what is left after `time`.
    func drain(within time: Duration, _ done: CheckedContinuation<Void, Never>) {
        guard !self.isDraining else { return done.resume() }
        self.isDraining = true
        self.drained = done
        for listener in self.listeners { listener.close() }
        self.listeners = []
        for connection in self.connections.values where connection.isIdle { connection.drop() }
        if self.connections.isEmpty { return self.endDrain() }
        self.core.setDeadline(self, after: time)
    }

    override func loopEnds() { self.tasks.end() }

    override func deadlinePassed() {
        for connection in self.connections.values { connection.drop() }
    }

    private func endDrain() {
        self.core.forget(self)
        self.tasks.end()
        self.drained.take()?.resume()
    }
}
