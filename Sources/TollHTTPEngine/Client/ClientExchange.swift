// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// One request and its response, over one connection or, after a stale one, two. Holds the deadlines.
final class ClientExchange: Watcher {
    typealias Waiter<Value> = LoopContinuation<Result<Value, HTTPError>>

    private enum Progress {
        case unsent
        case awaitingHead
        /// The head is here, and more of a short body is waited for before both are delivered.
        case awaitingBody
        /// The head is delivered; the body is pulled.
        case streaming
        case over
    }

    let request: ClientRequest
    var isOnUsedConnection = false
    var otherAddresses: [SocketAddress] = []

    private var shard: ClientShard?
    private var connection: ClientConnection?
    private var progress = Progress.unsent
    private var wroteNothing = true
    private var hasRetried = false
    private var isCancelled = false
    private var uploadIsDone = true
    private var reader: ResponseReader
    /// Nil unless the body is streamed.
    private var trailers: TrailerBox?
    private var failure: HTTPError?
    private var headWaiter: Waiter<ClientResponse>?
    /// In place of a task that waits for the head.
    private var caller: (any ClientCaller)?
    private var bodyWaiter: Waiter<[UInt8]?>?
    private var writeWaiter: Waiter<Void>?

    init(_ request: consuming ClientRequest, limits: ClientLimits) {
        self.reader = ResponseReader(to: request.method, upgrade: request.upgrade, limits: limits)
        self.request = request
    }

    var isOver: Bool { self.progress == .over }

    /// Whether bytes are to be read now. Pulling only what is asked for is the back-pressure.
    var wantsInput: Bool {
        switch self.progress {
        case .awaitingHead, .awaitingBody: true
        case .streaming: self.bodyWaiter != nil
        case .unsent, .over: false
        }
    }

    // MARK: Starting

    func start(in shard: ClientShard, _ waiter: Waiter<ClientResponse>) {
        self.headWaiter = waiter
        guard !self.isCancelled else { return self.fail(HTTPError(.cancelled, "the request was cancelled", isBeforeSend: true)) }
        if let fault = ClientMessage.fault(in: self.request) {
            return self.fail(HTTPError(.invalidMessage, fault, isBeforeSend: true))
        }
        self.start(in: shard)
    }

    /// Starts for a caller in this event.
    func start(in shard: ClientShard, for caller: any ClientCaller) {
        self.caller = caller
        self.start(in: shard)
    }

    private func start(in shard: ClientShard) {
        self.shard = shard
        do throws(SystemError) {
            try shard.core.register(self)
        } catch {
            return self.fail(HTTPError(.unavailable, "\(error)", isBeforeSend: true))
        }
        shard.core.setDeadline(self, after: self.request.deadline)
        shard.dispatch(self)
    }

    /// An attempt to connect is under way.
    func connecting(_ connection: ClientConnection) { self.connection = connection }

    func connectFailed(_ reason: String) {
        self.connection = nil
        guard !self.isOver, let shard = self.shard else { return }
        // The place in the pool went with the connection; the next attempt takes one again.
        guard !self.otherAddresses.isEmpty else { return self.unreachable(reason) }
        shard.retryConnecting(self, to: self.otherAddresses, lastFault: reason)
    }

    func unreachable(_ reason: String) {
        self.fail(HTTPError(.connectFailed, "cannot connect to \(self.request.origin): \(reason)", isBeforeSend: true))
    }

    /// The server has not proved its name, or speaks no TLS.
    func handshakeFailed(_ reason: String) {
        self.connection = nil
        self.fail(HTTPError(.tls, "\(self.request.origin): \(reason)", isBeforeSend: true))
    }

    /// What came is not what the server has sent.
    func tlsBroke() { self.fail(HTTPError(.tls, "\(self.request.origin): a record cannot be decrypted")) }

    func isCrowdedOut() {
        self.fail(HTTPError(.unavailable, "too many requests wait for \(self.request.origin)", isBeforeSend: true))
    }

    /// The connection is ready: send.
    func connected(_ connection: ClientConnection) {
        self.connection = connection
        self.progress = .awaitingHead
        do throws(HTTPError) {
            guard try self.sendHead(connection) else { return self.ended() }
        } catch { return self.fail(error) }
        self.wroteNothing = false
        if case .stream(let stream, let length) = self.request.body { self.upload(stream, length) }
        connection.pump()
    }

    /// Sends the head, and what of the body is at hand. False when the connection is broken.
    private func sendHead(_ connection: ClientConnection) throws(HTTPError) -> Bool {
        if let caller = self.caller, let shard = self.shard {
            if let fault = caller.writeHead(of: self.request, with: &shard.scratch) {
                throw HTTPError(.invalidMessage, fault, isBeforeSend: true)
            }
            return connection.write(shard.scratch.head) != .broken
        }
        let body: [UInt8] = if case .bytes(let bytes) = self.request.body { bytes } else { [] }
        return connection.write(ClientMessage.head(of: self.request), body) != .broken
    }

    // MARK: Ending

    override func loopEnds() { self.fail(HTTPError(.unavailable, "the loop has ended", isBeforeSend: self.wroteNothing)) }

    func cancel() {
        self.isCancelled = true
        guard self.shard != nil else { return }
        self.fail(HTTPError(.cancelled, "the request was cancelled", isBeforeSend: self.wroteNothing))
    }

    override func deadlinePassed() {
        let what = self.progress == .streaming ? "the body has stalled" : "no response in time"
        self.fail(HTTPError(.timedOut, "\(what): \(self.request.origin)", isBeforeSend: self.wroteNothing))
    }

    /// The consumer has dropped the body.
    func abandon() {
        guard self.progress == .streaming else { return }
        self.fail(HTTPError(.cancelled, "the body was dropped"))
    }

    private func fail(_ error: HTTPError) {
        guard !self.isOver else { return }
        self.failure = error
        self.conclude(keepingConnection: false)
        self.give(.failure(error))
        self.bodyWaiter.take()?.resume(returning: .failure(error))
    }

    /// To whoever waits for the head.
    private func give(_ outcome: Result<ClientResponse, HTTPError>) {
        self.headWaiter.take()?.resume(returning: outcome)
        self.caller.take()?.ended(outcome)
    }

    private func conclude(keepingConnection: Bool) {
        self.progress = .over
        self.shard?.core.forget(self)
        if let connection = self.connection.take() {
            if keepingConnection { self.shard?.release(connection) } else { connection.close() }
        }
        self.writeWaiter.take()?.resume(returning: .failure(self.failure ?? HTTPError(.cancelled, "the response is complete")))
    }

    /// The peer has closed the connection, or it broke.
    func ended() {
        if self.progress == .streaming || self.progress == .awaitingBody {
            do throws(HTTPError) {
                self.bodyProgressed(try self.reader.close())
            } catch {
                self.fail(error)
            }
        } else if self.mayRepeat {
            self.hasRetried = true
            self.wroteNothing = true
            self.progress = .unsent
            self.connection.take()?.close()
            self.shard?.dispatch(self, fresh: true)
        } else {
            let text = "\(self.request.origin) closed the connection before the response was complete"
            self.fail(HTTPError(.disconnected, text, isBeforeSend: self.wroteNothing))
        }
    }

    /// A kept-alive connection may have been closed by the peer while our request was under way. It is sent again, once
    /// and on a new connection, only when no byte of a response came, the body can be repeated, and either no byte of
    /// the request was taken by the kernel or doing it twice has the effect of doing it once.
    private var mayRepeat: Bool {
        guard self.isOnUsedConnection, !self.hasRetried, self.reader.isAtStart else { return false }
        if case .stream = self.request.body { return false }
        return self.wroteNothing || self.request.method.isIdempotent
    }

    // MARK: The response

    func received(_ bytes: Span<UInt8>) {
        do throws(HTTPError) {
            if self.caller != nil, self.progress == .awaitingHead, let shard = self.shard { self.reader.use(&shard.scratch) }
            self.bodyProgressed(try self.reader.read(bytes))
        } catch {
            self.fail(error)
        }
    }

    private func bodyProgressed(_ progress: ResponseReader.Progress) {
        let wasStreaming = self.progress == .streaming
        switch progress {
        case .head: return
        case .body:
            if self.progress == .awaitingHead { self.progress = .awaitingBody }
            self.shard?.core.setDeadline(self, after: self.request.bodyIdle)
        case .over(let isReusable):
            if let trailers = self.trailers { trailers.set(self.reader.trailers) }
            self.conclude(keepingConnection: isReusable && self.uploadIsDone)
        }
        if wasStreaming {
            self.deliverPiece()
        } else if self.isOver {
            self.deliverWhole()
        } else if !self.isWorthWaitingFor, let shard = self.shard {
            self.progress = .streaming
            // Nobody waits for body yet, so its silence is not the peer's.
            shard.core.clearDeadline(self)
            let trailers = TrailerBox()
            self.trailers = trailers
            self.deliver(BodyStream(ClientBodySource(LoopBound(current: self, of: shard.loop), trailers)))
        }
    }

    private var isWorthWaitingFor: Bool {
        guard let length = self.reader.announced, let shard = self.shard else { return false }
        return length <= shard.limits.wholeBodyBytes
    }

    private func deliverWhole() {
        guard self.caller != nil, var whole = self.reader.takeWhole(), let caller = self.caller.take() else {
            return self.deliver(BodyStream(self.reader.takePiece()))
        }
        caller.answered(&whole.head, whole.body)
        self.shard?.scratch.keep(&whole.head, &whole.body)
    }

    private func deliver(_ body: BodyStream) {
        var response = ClientResponse(head: self.reader.takeHead(), length: self.reader.length, body: body)
        if response.head.status == 101, let shard = self.shard {
            response.tunnel = ClientTunnel(LoopBound(current: self, of: shard.loop))
        }
        self.give(.success(response))
    }

    // MARK: The response's body

    /// The next piece if it is here.
    func takeBody() -> Result<[UInt8]?, HTTPError>? {
        if !self.reader.piece.isEmpty { return .success(self.reader.takePiece()) }
        if let failure = self.failure { return .failure(failure) }
        return self.isOver ? .success(nil) : nil
    }

    func awaitBody(_ waiter: Waiter<[UInt8]?>) {
        if let piece = self.takeBody() { return waiter.resume(returning: piece) }
        precondition(self.bodyWaiter == nil, "A body has one consumer.")
        self.bodyWaiter = waiter
        self.shard?.core.setDeadline(self, after: self.request.bodyIdle)
        self.connection?.pump()
    }

    private func deliverPiece() {
        guard self.bodyWaiter != nil, let piece = self.takeBody() else { return }
        if !self.isOver { self.shard?.core.clearDeadline(self) }
        self.bodyWaiter.take()?.resume(returning: piece)
    }

    // MARK: The request's body

    private func upload(_ stream: BodyStream, _ length: UInt64?) {
        guard let shard = self.shard else { return }
        self.uploadIsDone = false
        shard.core.setDeadline(self, after: self.request.bodyIdle)
        let sink = ClientUpload(LoopBound(current: self, of: shard.loop), length: length)
        Task(executorPreference: shard.loop) { await sink.run(stream) }
    }

    /// Sends encoded body. Nil when some of it waits for the peer to read.
    func send(_ bytes: [UInt8], isLast: Bool) -> Result<Void, HTTPError>? {
        guard !self.isOver, let connection = self.connection else {
            return .failure(self.failure ?? HTTPError(.cancelled, "the response is complete"))
        }
        let outcome = bytes.isEmpty ? .sent : connection.write(bytes)
        if isLast { self.uploadIsDone = true }
        switch outcome {
        case .broken:
            self.outputBroken()
            return .failure(HTTPError(.disconnected, "the peer takes no more of the body"))
        case .sent, .queued:
            let awaited = isLast ? self.request.deadline : self.request.bodyIdle
            if self.progress == .awaitingHead { self.shard?.core.setDeadline(self, after: awaited) }
            // Either direction keeps a tunnel alive.
            if self.request.upgrade != nil, self.bodyWaiter != nil {
                self.shard?.core.setDeadline(self, after: self.request.bodyIdle)
            }
            return outcome == .sent ? .success(()) : nil
        }
    }

    /// Nothing more is sent; the peer may go on.
    func endTunnel() { self.connection?.endOutput() }

    func awaitSend(_ waiter: Waiter<Void>) {
        guard !self.isOver else { return waiter.resume(returning: .failure(HTTPError(.cancelled, "the response is complete"))) }
        self.writeWaiter = waiter
    }

    /// The source of the request's body has failed: the peer must not take half of it for the whole.
    func uploadFailed(_ error: HTTPError) { self.fail(error) }

    func outputProgressed() {
        if !self.uploadIsDone, self.progress == .awaitingHead { self.shard?.core.setDeadline(self, after: self.request.bodyIdle) }
    }

    func outputSent() { self.writeWaiter.take()?.resume(returning: .success(())) }

    func outputBroken() {
        self.uploadIsDone = false
        self.writeWaiter.take()?.resume(returning: .failure(HTTPError(.disconnected, "the peer takes no more of the body")))
    }
}
