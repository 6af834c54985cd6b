// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// One connection to an origin: carries exchanges one after the other, waits in its shard's pool in between.
final class ClientConnection: Watcher {
    private enum Phase {
        case connecting
        case active
        case idle
        case closed
    }

    /// Its place among the connections to its origin.
    let pool: ClientShard.Pool
    private let socket: Socket
    private let shard: ClientShard
    private var phase = Phase.connecting
    private var exchange: ClientExchange?
    private var output = OutputQueue()
    private var isReadable = false
    private var sawHangup = false
    private var endsOutput = false

    init(_ socket: Socket, in pool: ClientShard.Pool, of shard: ClientShard, for exchange: ClientExchange) {
        self.socket = socket
        self.pool = pool
        self.shard = shard
        self.exchange = exchange
    }

    private var core: LoopCore { self.shard.core }

    func open() throws(SystemError) {
        try self.core.register(self, self.socket.descriptor)
        self.core.setDeadline(self, after: self.exchange?.request.connectTime ?? self.shard.limits.connectTime)
    }

    /// Starts the next exchange.
    func carry(_ exchange: ClientExchange) {
        self.core.clearDeadline(self)
        self.phase = .active
        self.exchange = exchange
        exchange.connected(self)
    }

    /// Goes to wait for the next exchange. False when the connection is not fit for one.
    func rest() -> Bool {
        self.exchange = nil
        guard self.phase == .active, !self.sawHangup, !self.isReadable, self.output.isEmpty else { return false }
        self.phase = .idle
        self.core.setDeadline(self, after: self.shard.limits.idleTime)
        return true
    }

    /// Closes at once, without a word to the exchange.
    func close() {
        guard self.phase != .closed else { return }
        self.phase = .closed
        self.exchange = nil
        self.core.forget(self)
        self.socket.close()
        self.shard.closed(self)
    }

    // MARK: Events

    override func loopEnds() { self.close() }

    override func ready(_ readiness: Readiness) {
        switch self.phase {
        case .connecting:
            self.finishConnecting()
        case .idle:
            // Nothing may come without a request: the peer has closed, or cannot be trusted.
            if readiness != .writable { self.close() }
        case .active:
            if readiness.contains(.writable), !self.output.isEmpty { self.flush() }
            if readiness.contains(.hangup) || readiness.contains(.failed) { self.sawHangup = true }
            if readiness != .writable {
                self.isReadable = true
                self.pump()
            }
        case .closed: break
        }
    }

    override func deadlinePassed() {
        switch self.phase {
        case .connecting: self.connectFailed("no answer to the attempt to connect")
        case .idle, .active, .closed: self.close()
        }
    }

    private func finishConnecting() {
        if let error = self.socket.connectionError { return self.connectFailed("\(error)") }
        guard let exchange = self.exchange else { return self.close() }
        self.carry(exchange)
    }

    private func connectFailed(_ reason: String) {
        let exchange = self.exchange
        self.close()
        exchange?.connectFailed(reason)
    }

    // MARK: Reading

    /// Reads for as long as the exchange takes bytes and there are some.
    func pump() {
        while self.isReadable, self.phase == .active, let exchange = self.exchange, exchange.wantsInput {
            switch self.core.buffer.receive(from: self.socket) {
            case .count(0), .failed:
                self.isReadable = false
                exchange.ended()
            case .count(let count):
                if count < ReceiveBuffer.byteCount, !self.sawHangup { self.isReadable = false }
                self.core.buffer.withBytes(count) { exchange.received($0) }
            case .wouldBlock:
                self.isReadable = false
            }
        }
    }

    // MARK: Writing

    func write(_ first: [UInt8], _ second: [UInt8] = []) -> OutputQueue.Outcome {
        self.output.write(first, second, to: self.socket)
    }

    /// Shuts our side once everything is out.
    func endOutput() {
        self.endsOutput = true
        if self.output.isEmpty { self.socket.shutdownWrite() }
    }

    private func flush() {
        switch self.output.flush(to: self.socket) {
        case .queued: self.exchange?.outputProgressed()
        case .sent:
            if self.endsOutput { self.socket.shutdownWrite() }
            self.exchange?.outputSent()
        // What the peer said before it broke off may still be read: an early refusal of a large body.
        case .broken: self.exchange?.outputBroken()
        }
    }
}
