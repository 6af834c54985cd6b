// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// One connection to an origin: carries exchanges one after the other, waits in its shard's pool in between. Over TLS it carries
/// one only: those are few, and leave HTTP.
final class ClientConnection: Watcher {
    private enum Phase {
        case connecting
        /// Connected, and no request may go out before the server has proved its name.
        case handshaking
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
    /// Nil where HTTP is spoken in the clear.
    private let tls: TLSSession?
    private var output = OutputQueue()
    private var isReadable = false
    private var sawHangup = false
    private var endsOutput = false

    init(
        _ socket: Socket, _ tls: TLSSession?, in pool: ClientShard.Pool, of shard: ClientShard, for exchange: ClientExchange
    ) {
        self.tls = tls
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
        guard self.phase == .active, self.tls == nil, !self.sawHangup, !self.isReadable, self.output.isEmpty else { return false }
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
        case .handshaking:
            if readiness.contains(.writable), !self.output.isEmpty { self.flush() }
            if readiness != .writable {
                self.isReadable = true
                self.shakeHands()
            }
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
        case .handshaking: self.handshakeFailed("the TLS handshake takes too long")
        case .idle, .active, .closed: self.close()
        }
    }

    private func finishConnecting() {
        if let error = self.socket.connectionError { return self.connectFailed("\(error)") }
        guard let exchange = self.exchange else { return self.close() }
        guard self.tls == nil else {
            self.phase = .handshaking
            return self.shakeHands()
        }
        self.carry(exchange)
    }

    private func connectFailed(_ reason: String) {
        let exchange = self.exchange
        self.close()
        exchange?.connectFailed(reason)
    }

    // MARK: TLS

    /// Goes on with the handshake as far as what came allows, then with the exchange.
    private func shakeHands() {
        guard let tls = self.tls else { return }
        while self.phase == .handshaking {
            let reading = tls.read(into: self.core.plaintext)
            let said = tls.takeOutput()
            if !said.isEmpty, self.output.write(said, to: self.socket) == .broken {
                return self.handshakeFailed("the connection broke in the TLS handshake")
            }
            // Whoever speaks before it is asked cannot be answering.
            guard case .again = reading else { return self.handshakeFailed(tls.fault ?? "no TLS, or none that is taken here") }
            if tls.isReady {
                guard let exchange = self.exchange else { return self.close() }
                return self.carry(exchange)
            }
            guard self.receiveHandshake(tls) else { return }
        }
    }

    /// False when there is nothing to go on with.
    private func receiveHandshake(_ tls: TLSSession) -> Bool {
        guard self.isReadable else { return false }
        switch self.core.buffer.receive(from: self.socket) {
        case .count(0), .failed:
            self.handshakeFailed("the connection ended in the TLS handshake")
            return false
        case .count(let count):
            self.core.buffer.withBytes(count) { tls.feed($0) }
            return true
        case .wouldBlock:
            self.isReadable = false
            return false
        }
    }

    private func handshakeFailed(_ reason: String) {
        let exchange = self.exchange
        self.close()
        exchange?.handshakeFailed(reason)
    }

    /// Gives the exchange what is inside.
    private func decrypt(_ bytes: Span<UInt8>, _ tls: TLSSession, for exchange: ClientExchange) {
        var place = 0
        while place < bytes.count, self.exchange === exchange {
            let piece = bytes.extracting(place..<min(place + TLSSession.pieceMax, bytes.count))
            place += piece.count
            tls.feed(piece)
            self.readDecrypted(tls, for: exchange)
        }
        let said = tls.takeOutput()
        if !said.isEmpty, self.phase == .active { _ = self.output.write(said, to: self.socket) }
    }

    private func readDecrypted(_ tls: TLSSession, for exchange: ClientExchange) {
        let buffer = self.core.plaintext
        while self.exchange === exchange {
            switch tls.read(into: buffer) {
            case .count(let count): buffer.withBytes(count) { exchange.received($0) }
            case .again: return
            case .closed: return exchange.ended()
            case .failed: return exchange.tlsBroke()
            }
        }
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
                self.core.buffer.withBytes(count) { bytes in
                    if let tls = self.tls { self.decrypt(bytes, tls, for: exchange) } else { exchange.received(bytes) }
                }
            case .wouldBlock:
                self.isReadable = false
            }
        }
    }

    // MARK: Writing

    func write(_ first: [UInt8], _ second: [UInt8] = []) -> OutputQueue.Outcome {
        guard let tls = self.tls else { return self.output.write(first, second, to: self.socket) }
        guard let sealed = tls.seal(first, second) else { return .broken }
        return self.output.write(sealed, to: self.socket)
    }

    /// Shuts our side once everything is out.
    func endOutput() {
        if let end = self.tls?.takeEnd(), !end.isEmpty { _ = self.output.write(end, to: self.socket) }
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
