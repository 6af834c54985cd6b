// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// One client connection: reads requests one after the other, has each answered, keeps the order.
///
/// Registered once, edge-triggered. A read that comes back short has emptied the socket, so a request costs one
/// `recv` and one `send` and nothing else. While a request waits in its task the socket is not read.
final class ServerConnection: Watcher {
    private enum Phase {
        /// Between requests or inside a head.
        case reading
        /// A task has the request.
        case handling
        /// The request is answered; the rest of its body is thrown away.
        case discarding
        /// The last answer is out and our side shut; what the client still sends is thrown away, so that no reset
        /// overtakes the answer.
        case lingering
        case closed
    }

    /// What becomes of the connection once its output is out.
    private enum AfterOutput {
        case goOn
        /// Close: the client has nothing more to say.
        case close
        /// Shut our side and linger: the client may still be sending.
        case linger
    }

    /// What is kept from before and one read of 64 KiB, then other connections have their turn.
    private static let readsPerTurn = 2
    /// Bytes of answers collected before they are sent.
    private static let answersMax = 64 * 1024

    let peer: PeerAddress
    /// What it is counted by, see ``NetworkCounts``.
    let network: UInt64
    let shard: ServerShard
    /// Who answers where it was accepted, if not the server's own handler.
    private let override: (any RequestHandler)?
    private var wire: ServerWire
    private var phase = Phase.reading
    private var isReadable = false
    private var sawHangup = false
    /// Where a head goes on that did not come in one piece; whole ones are read by the shard's parser.
    private var parser: RequestParser?
    private var isInsideHead = false
    /// Bytes received and not used yet.
    private var input: [UInt8] = []
    /// A tunnel's client has said that nothing more comes, and some of what came has still to be taken.
    private var endsAfterInput = false
    private var afterOutput = AfterOutput.goOn
    private var exchange: ServerExchange?
    /// The request that is passed on, in place of an exchange with a task.
    private var passed: PassedCall?
    private var discarded: UInt64 = 0
    private var requestCount = 0
    /// When it has served for long enough.
    private let wornOutAt: UInt64
    private var discard = BodyDecoder(request: .none)

    init(_ wire: ServerWire, peer: PeerAddress, network: UInt64, listener: ServerListener, shard: ServerShard) {
        self.wire = wire
        self.peer = peer
        self.network = network
        self.override = listener.handler
        self.shard = shard
        self.wornOutAt = shard.core.now &+ shard.limits.connectionTime.nanoseconds
    }

    func open() throws(SystemError) {
        try self.shard.core.register(self, self.wire.socket.descriptor)
        self.shard.core.setDeadline(self, after: self.shard.limits.headerTime)
    }

    /// True between requests: nothing is lost by closing.
    var isIdle: Bool { self.phase == .reading && self.parser == nil && self.input.isEmpty && self.wire.isEmpty }

    /// Closes at once.
    func drop() {
        guard self.phase != .closed else { return }
        self.phase = .closed
        self.shard.core.forget(self)
        self.wire.close(isWhole: self.exchange == nil)
        self.input = []
        let exchange = self.exchange
        self.exchange = nil
        exchange?.detach(HTTPError(.disconnected, "the client has gone away"))
        self.passed.take()?.clientGone()
        self.shard.closed(self)
    }

    // MARK: Events

    override func loopEnds() { self.drop() }

    override func ready(_ readiness: Readiness) {
        if readiness.contains(.failed) { return self.drop() }
        if readiness.contains(.writable), !self.wire.isEmpty { self.flush() }
        guard readiness.contains(.readable) || readiness.contains(.hangup) else { return }
        self.isReadable = true
        if readiness.contains(.hangup) {
            self.sawHangup = true
            if self.phase == .handling, !self.isTunnel { return self.drop() }
        }
        self.pump()
    }

    override func deadlinePassed() {
        switch self.phase {
        case .reading where self.parser != nil:
            self.parser = nil
            self.refuse(RequestRefusal(408, "head_too_slow"))
            self.sendAnswers()
        case .handling where self.wire.isEmpty:
            self.exchange?.bodyFailed(HTTPError(.timedOut, "the client has stopped sending its body"))
        case .reading, .handling, .discarding, .lingering, .closed:
            self.drop()
        }
    }

    // MARK: Reading

    /// Reads and serves until nothing more can be done without waiting, or others should have their turn.
    private func pump() {
        for _ in 0..<Self.readsPerTurn {
            if !self.input.isEmpty, self.takesInput {
                let bytes = self.input
                self.input = []
                self.consume(bytes.span)
            } else if self.endsAfterInput, self.takesInput {
                self.endsAfterInput = false
                self.exchange?.inputEnded()
                return
            } else if self.isReadable, self.takesInput {
                self.receive()
            } else {
                return
            }
        }
        self.shard.core.callAgain(self)
    }

    private var isTunnel: Bool { self.exchange?.isTunnel ?? false }

    private var takesInput: Bool {
        switch self.phase {
        case .reading, .discarding: self.wire.isEmpty && self.afterOutput == .goOn
        case .handling: self.exchange?.wantsBody ?? false
        case .lingering: true
        case .closed: false
        }
    }

    private func receive() {
        switch self.shard.core.buffer.receive(from: self.wire.socket) {
        case .count(0):
            self.isReadable = false
            if self.isTunnel { self.exchange?.inputEnded() } else { self.drop() }
        case .count(let count):
            // A short read has emptied the socket, unless the end of the stream waits behind it.
            if count < ReceiveBuffer.byteCount, !self.sawHangup { self.isReadable = false }
            self.shard.core.buffer.withBytes(count) { self.wire.tls == nil ? self.consume($0) : self.decrypt($0) }
        case .wouldBlock:
            self.isReadable = false
        case .failed:
            self.drop()
        }
    }

    private func consume(_ bytes: Span<UInt8>) {
        var place = 0
        while place < bytes.count {
            let rest = bytes.extracting(place...)
            switch self.phase {
            case .reading where self.takesInput: place += self.readHead(rest)
            case .discarding where self.takesInput: place += self.throwAway(rest)
            case .handling where self.takesInput: place += self.exchange?.feed(rest) ?? 0
            case .reading, .discarding, .handling:
                if self.afterOutput == .goOn { self.input.append(span: rest) }
                place = bytes.count
            case .lingering:
                self.countDiscarded(rest.count)
                place = bytes.count
            case .closed:
                place = bytes.count
            }
        }
        self.sendAnswers()
    }

    // MARK: TLS

    /// Takes the encryption off what came and serves what is inside, shaking hands first.
    private func decrypt(_ bytes: Span<UInt8>) {
        guard let tls = self.wire.tls else { return }
        // Every hello is a record of type 22 (RFC 8446 §5.1).
        if tls.isFresh, bytes[0] != 22 { return self.answerPlainClient(bytes) }
        var place = 0
        while place < bytes.count {
            let piece = bytes.extracting(place..<min(place + TLSSession.pieceMax, bytes.count))
            place += piece.count
            tls.feed(piece)
            guard self.readDecrypted(tls) else { return }
        }
        self.sendHandshake()
    }

    /// False when nothing more can come of the session.
    private func readDecrypted(_ tls: TLSSession) -> Bool {
        let buffer = self.shard.core.plaintext
        while self.phase != .closed {
            switch tls.read(into: buffer) {
            case .count(let count): buffer.withBytes(count) { self.consume($0) }
            case .again: return true
            case .closed:
                self.inputEnded()
                return false
            case .failed:
                // The alert says what is wrong.
                self.sendHandshake()
                self.drop()
                return false
            }
        }
        return false
    }

    /// The client has said that nothing more comes: as if it had shut its side of the socket.
    private func inputEnded() {
        self.sawHangup = true
        if let exchange = self.exchange, exchange.isTunnel {
            if self.input.isEmpty { exchange.inputEnded() } else { self.endsAfterInput = true }
            return
        }
        if self.phase == .handling || self.wire.isEmpty { return self.drop() }
        self.afterOutput = .close
    }

    private func sendHandshake() {
        guard self.phase != .closed else { return }
        switch self.wire.sendHandshake() {
        case .sent: break
        case .queued: self.shard.core.setDeadline(self, after: self.shard.limits.writeIdleTime)
        case .broken: self.drop()
        }
    }

    /// Plain HTTP where TLS is spoken is told so, in the clear. Whatever else came is not answered.
    private func answerPlainClient(_ bytes: Span<UInt8>) {
        guard ByteGrammar.isToken(bytes[0]) else { return self.drop() }
        self.wire.dropTLS()
        self.refuse(RequestRefusal(400, "plain_http_on_a_tls_port"))
        self.sendAnswers()
    }

    // MARK: Heads

    /// Reads on in a head. Returns how many bytes were used.
    private func readHead(_ bytes: Span<UInt8>) -> Int {
        if let parser = self.parser.take() { self.shard.parser = parser }
        switch self.shard.parser.parse(bytes) {
        case .incomplete:
            self.keepPartialHead()
            return bytes.count
        case .complete(let consumed):
            self.serve()
            return consumed
        case .refused(let refusal):
            self.shard.parser.reset(limits: self.shard.limits)
            self.refuse(refusal)
            return bytes.count
        }
    }

    private func keepPartialHead() {
        if !self.isInsideHead {
            // Not renewed by further bytes: the deadline is for the whole head.
            self.isInsideHead = true
            self.shard.core.setDeadline(self, after: self.shard.limits.headerTime)
        }
        self.parser = self.shard.parser
        self.shard.parser = RequestParser(limits: self.shard.limits)
    }

    // MARK: Serving

    private var handler: any RequestHandler { self.override ?? self.shard.handler }

    private func serve() {
        self.isInsideHead = false
        self.requestCount += 1
        let shard = self.shard
        let start = shard.answer.bytes.count
        let disposition = self.handler.receive(shard.parser.head, peer: self.peer, answer: &shard.answer)
        switch disposition {
        case .answered: self.answered(from: start)
        case .pass(let passage): self.pass(passage)
        case .handle: self.handle()
        }
        shard.parser.reset(limits: shard.limits)
        // Whoever pipelines thousands of requests has to read the answers in between.
        if shard.answer.bytes.count > Self.answersMax { self.sendAnswers() }
    }

    private func answered(from start: Int) {
        let head = self.shard.parser.head
        let body = BodyDecoder(request: head.framing)
        if !head.keepAlive || self.mustClose(before: body, expectsContinue: head.expectsContinue) {
            self.shard.answer.insertClose(from: start)
            self.afterOutput = self.mayBeSending(body) ? .linger : .close
        } else if body.isDone {
            self.shard.core.setDeadline(self, after: self.shard.limits.idleTime)
        } else {
            self.startDiscarding(body)
        }
    }

    /// Whether what is left of a request's body makes it wiser to close than to read on.
    private func mustClose(before body: BodyDecoder, expectsContinue: Bool) -> Bool {
        expectsContinue || (body.remaining ?? 0) > self.shard.limits.discardedBytes || self.shard.isDraining
            || self.isWornOut
    }

    /// Whether it has served for as long, or as often, as one may.
    private var isWornOut: Bool {
        self.requestCount >= self.shard.limits.requestsPerConnection || self.shard.core.now >= self.wornOutAt
    }

    /// Whether the client may be sending at the moment of the close: a body, or requests that it takes for the next.
    private func mayBeSending(_ body: BodyDecoder) -> Bool { !body.isDone || self.isWornOut }

    private func handle() {
        guard self.mayHandle() else { return }
        self.handle(self.shard.parser.takeHead(), by: self.handler)
    }

    /// Goes over to handling. False when there is nobody to do it for.
    private func mayHandle() -> Bool {
        self.sendAnswers()
        guard self.phase == .reading else { return false }
        // Whoever has hung up already gets no work done, let alone paid for.
        guard !self.sawHangup else {
            self.drop()
            return false
        }
        self.phase = .handling
        self.shard.core.clearDeadline(self)
        return true
    }

    @discardableResult
    private func handle(_ given: consuming RequestHead, by handler: any RequestHandler) -> ClientSignal {
        let head = consume given
        let exchange = ServerExchange(head, of: self)
        self.exchange = exchange
        let channel = ServerChannel(LoopBound(current: exchange, of: self.shard.loop), exchange.trailers)
        let body = exchange.decoder.isDone ? .empty : BodyStream(channel)
        let request = Request(head: consume head, peer: self.peer, body: body, client: exchange.client)
        self.shard.tasks.handle(HandlerTasks.Call(request, by: handler, channel))
        return exchange.client
    }

    // MARK: Passing on

    private func pass(_ passage: any Passage) {
        guard let client = self.shard.client, self.shard.parser.head.framing == .none else {
            preconditionFailure("A request is passed on that has a body, or by an engine that passes none on.")
        }
        guard self.mayHandle() else { return passage.unused() }
        let call = PassedCall(passage, self.shard.parser.takeHead(leaving: self.shard.takeSpareHead()), of: self)
        self.passed = call
        call.start(in: client)
    }

    /// Sends the answer to the request that is passed on. False when the client is gone.
    func answer(_ call: PassedCall, _ head: ResponseHead, _ body: [UInt8]) -> Bool {
        let closes = !call.head.keepAlive || self.shard.isDraining || self.isWornOut
        ResponseSerializer.append(
            head, framing: .length(UInt64(body.count)), date: self.shard.answer.dateField, close: closes,
            to: &self.shard.answer.bytes)
        self.passed = nil
        self.phase = .reading
        if closes {
            self.afterOutput = self.isWornOut ? .linger : .close
        } else {
            self.shard.core.setDeadline(self, after: self.shard.limits.idleTime)
        }
        // A short body is copied: one piece is sent more quickly than two.
        guard body.count <= ServerExchange.copiedMax else { return self.sendAnswers(body) }
        self.shard.answer.bytes += body
        return self.sendAnswers()
    }

    /// The answer to the request that was passed on is out: goes on with what came meanwhile, in its turn.
    func answered(_ call: PassedCall) {
        self.shard.keepSpareHead(call.takeHead())
        if self.phase == .reading, self.isReadable || !self.input.isEmpty { self.shard.core.callAgain(self) }
    }

    /// Has a task go on with the request that is passed on, and `exchange` given up when the client goes away meanwhile.
    func handle(_ call: PassedCall, by handler: any RequestHandler, cancelling exchange: ClientExchange?) {
        self.passed = nil
        let client = self.handle(call.takeHead(), by: handler)
        guard let exchange, !exchange.isOver else { return }
        let bound = LoopBound(current: exchange, of: self.shard.loop)
        client.whenGone { bound.execute { $0.cancel() } }
    }

    private func refuse(_ refusal: RequestRefusal) {
        let head = ResponseHead(status: refusal.status, fields: ["Content-Type": "text/plain"])
        let body = Array("\(refusal.code)\n".utf8)
        ResponseSerializer.append(
            head,
            framing: .length(UInt64(body.count)),
            date: self.shard.answer.dateField,
            close: true,
            to: &self.shard.answer.bytes
        )
        self.shard.answer.bytes += body
        self.afterOutput = .linger
    }

    // MARK: Throwing away

    private func startDiscarding(_ body: BodyDecoder) {
        self.phase = .discarding
        self.discard = body
        self.discarded = 0
        self.shard.core.setDeadline(self, after: self.shard.limits.discardTime)
    }

    private func throwAway(_ bytes: Span<UInt8>) -> Int {
        var waste: [UInt8] = []
        let used = try? self.discard.decode(bytes, room: .max, into: &waste)
        guard let used else {
            self.afterOutput = .linger
            return bytes.count
        }
        self.countDiscarded(used)
        if self.phase == .discarding, self.discard.isDone { self.startReading() }
        return used
    }

    private func countDiscarded(_ count: Int) {
        self.discarded += UInt64(count)
        if self.discarded > self.shard.limits.discardedBytes { self.drop() }
    }

    private func startReading() {
        self.phase = .reading
        self.shard.core.setDeadline(self, after: self.shard.limits.idleTime)
    }

    /// Ends the connection after its last answer.
    private func end() {
        if self.afterOutput == .close, !self.isReadable { return self.drop() }
        self.phase = .lingering
        self.discarded = 0
        self.input = []
        self.wire.shutdownWrite()
        self.shard.core.setDeadline(self, after: self.shard.limits.discardTime)
    }

    // MARK: Writing

    /// Sends the answers collected in this event, and `body` behind them, all with one call. False when the client is gone.
    @discardableResult
    private func sendAnswers(_ body: [UInt8] = []) -> Bool {
        var isTaken = self.phase != .closed
        if !self.shard.answer.bytes.isEmpty {
            if isTaken {
                let outcome = self.wire.write(self.shard.answer.bytes, body)
                isTaken = outcome != .broken
                if outcome == .broken { self.drop() }
                if outcome == .queued { self.shard.core.setDeadline(self, after: self.shard.limits.writeIdleTime) }
            }
            self.shard.answer.bytes.removeAll(keepingCapacity: true)
        }
        if self.afterOutput != .goOn, self.wire.isEmpty, self.phase == .reading || self.phase == .discarding { self.end() }
        return isTaken
    }

    /// Sends for an exchange.
    func write(_ first: [UInt8], _ second: [UInt8] = []) -> OutputQueue.Outcome {
        let outcome = self.wire.write(first, second)
        if outcome == .queued { self.shard.core.setDeadline(self, after: self.shard.limits.writeIdleTime) }
        if outcome == .broken { self.drop() }
        return outcome
    }

    private func flush() {
        switch self.wire.flush() {
        case .broken: self.drop()
        case .queued: self.shard.core.setDeadline(self, after: self.shard.limits.writeIdleTime)
        case .sent:
            if self.phase == .handling {
                self.shard.core.clearDeadline(self)
                if let patience = self.exchange?.patience { self.shard.core.setDeadline(self, after: patience) }
                self.exchange?.outputSent()
            } else if self.afterOutput != .goOn {
                self.end()
            } else {
                let isReading = self.phase == .reading
                self.shard.core.setDeadline(self, after: isReading ? self.shard.limits.idleTime : self.shard.limits.discardTime)
            }
            self.pump()
        }
    }

    // MARK: For the exchange

    /// Decodes body from what has been received already.
    func takeInput(_ decode: (Span<UInt8>) -> Int) {
        guard !self.input.isEmpty else { return }
        var input: [UInt8] = []
        swap(&input, &self.input)
        input.removeFirst(decode(input.span))
        self.input = input
    }

    /// The exchange waits for body, this long at most; without an end where nil.
    func bodyWanted(for patience: Duration?) {
        if let patience { self.shard.core.setDeadline(self, after: patience) }
        self.pump()
    }

    /// Body bytes came, though none that can be given out yet.
    func bodyProgressed(patience: Duration) { self.shard.core.setDeadline(self, after: patience) }

    /// The exchange no longer waits for body.
    func bodyArrived() {
        if self.wire.isEmpty { self.shard.core.clearDeadline(self) }
    }

    /// Whether the connection ends with the answer to this request.
    func endsWith(_ exchange: ServerExchange) -> Bool {
        !exchange.keepAlive || self.mustClose(before: exchange.decoder, expectsContinue: exchange.expectsContinue)
    }

    /// The response is out.
    func exchangeEnded(_ exchange: ServerExchange, closes: Bool) {
        self.exchange = nil
        if closes {
            self.phase = .reading
            self.afterOutput = self.mayBeSending(exchange.decoder) ? .linger : .close
            self.end()
        } else if exchange.decoder.isDone {
            self.startReading()
        } else {
            self.startDiscarding(exchange.decoder)
        }
        self.pump()
    }
}

extension ImmediateAnswer {
    /// Puts `Connection: close` behind the status line of the answer that starts at `start`.
    fileprivate mutating func insertClose(from start: Int) {
        guard let end = self.bytes[start...].firstIndex(of: 0x0A) else { return }
        self.bytes.insert(contentsOf: "Connection: close\r\n".utf8, at: end + 1)
    }
}
