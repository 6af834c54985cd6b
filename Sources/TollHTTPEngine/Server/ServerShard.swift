// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// A server's part on one loop: a listening socket on the shared port and the connections it accepted.
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

    private var listener: Listener?
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var connectionMax: Int
    private var drained: CheckedContinuation<Void, Never>?

    /// Only on the loop's thread.
    init(_ loop: EventLoop, handler: any RequestHandler, limits: ServerLimits, connectionMax: Int) {
        self.loop = loop
        self.core = loop.core
        self.handler = handler
        self.limits = limits
        self.connectionMax = connectionMax
        self.parser = RequestParser(limits: limits)
        self.answer = ImmediateAnswer(dateField: self.core.date, fill: System.fillRandom)
    }

    func listen(on socket: Socket) throws(SystemError) {
        try self.core.register(self)
        let listener = Listener(socket, shard: self)
        try self.core.register(listener, socket.descriptor, .readable)
        self.listener = listener
        self.core.everySecond { [weak self] date in
            self?.answer.dateField = date
            return self != nil
        }
    }

    /// Serves by `handler` and within `limits` what comes from now on. What is under way ends as it began, and no connection is
    /// closed.
    func replace(handler: any RequestHandler, limits: ServerLimits, connectionMax: Int) {
        self.handler = handler
        self.limits = limits
        self.connectionMax = connectionMax
        self.parser.reset(limits: limits)
        self.listener?.resume()
    }

    // MARK: Connections

    var isFull: Bool { self.connections.count >= self.connectionMax }

    func accepted(_ socket: Socket, _ address: SocketAddress) {
        let connection = ServerConnection(socket, peer: address.peer, shard: self)
        do throws(SystemError) {
            try connection.open()
            self.connections[ObjectIdentifier(connection)] = connection
        } catch {
            socket.close()
        }
    }

    func closed(_ connection: ServerConnection) {
        self.connections[ObjectIdentifier(connection)] = nil
        self.listener?.resume()
        if self.isDraining, self.connections.isEmpty { self.endDrain() }
    }

    // MARK: Draining

    /// Accepts nobody any more, closes what is idle and lets the rest finish; cuts what is left after `time`.
    func drain(within time: Duration, _ done: CheckedContinuation<Void, Never>) {
        guard !self.isDraining else { return done.resume() }
        self.isDraining = true
        self.drained = done
        self.listener?.close()
        self.listener = nil
        for connection in self.connections.values where connection.isIdle { connection.drop() }
        if self.connections.isEmpty { return self.endDrain() }
        self.core.setDeadline(self, after: time)
    }

    override func deadlinePassed() {
        for connection in self.connections.values { connection.drop() }
    }

    private func endDrain() {
        self.core.forget(self)
        self.drained.take()?.resume()
    }
}

/// A listening socket. Level-triggered: whoever is not accepted now is told of again.
private final class Listener: Watcher {
    private let socket: Socket
    private unowned let shard: ServerShard
    private var isPaused = false

    /// Connections accepted per event, so that a flood of them does not starve those that are open.
    private static let batch = 64
    /// Without file descriptors, try again this often.
    private static let pause: Duration = .milliseconds(100)

    init(_ socket: Socket, shard: ServerShard) {
        self.socket = socket
        self.shard = shard
    }

    override func ready(_ readiness: Readiness) {
        for _ in 0..<Self.batch {
            guard !self.shard.isFull else { return self.suspend() }
            do throws(SystemError) {
                guard let (socket, address) = try self.socket.accept() else { return }
                self.shard.accepted(socket, address)
            } catch {
                // The peer may have gone while it waited (ECONNABORTED): the next one is none the worse.
                guard error.isOutOfFiles else { continue }
                self.suspend()
                return self.shard.core.setDeadline(self, after: Self.pause)
            }
        }
    }

    override func deadlinePassed() { self.resume() }

    override func loopEnds() { self.close() }

    private func suspend() {
        self.isPaused = true
        self.shard.core.change(self, self.socket.descriptor, [])
    }

    func resume() {
        guard self.isPaused, !self.shard.isFull else { return }
        self.isPaused = false
        self.shard.core.change(self, self.socket.descriptor, .readable)
    }

    func close() {
        self.shard.core.forget(self)
        self.socket.close()
    }
}
