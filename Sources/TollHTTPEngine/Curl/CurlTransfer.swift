// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// One request and its response over libcurl. Holds the deadlines; keeps libcurl from repeating what must not be.
final class CurlTransfer: Watcher, CurlEasyDelegate {
    typealias Waiter<Value> = CheckedContinuation<Result<Value, HTTPError>, Never>

    private enum Progress {
        case awaitingHead
        /// The head is here, and more of a short body is waited for before both are delivered.
        case awaitingBody
        /// The head is delivered; the body is pulled.
        case streaming
        case over
    }

    let trailers = TrailerBox()
    private let request: ClientRequest
    private let limits: ClientLimits
    private let authorities: String?
    private var multi: CurlMulti?
    private var easy: CurlEasy?
    private var progress = Progress.awaitingHead
    private var isCancelled = false
    private var attempts = 0
    private var failure: HTTPError?
    private var head = CurlHead()
    private var piece: [UInt8] = []
    private var receivingIsPaused = false
    private var upload: [UInt8] = []
    private var uploadPlace = 0
    private var uploadHasEnded = true
    private var sendingIsPaused = false
    private var headWaiter: Waiter<ClientResponse>?
    private var bodyWaiter: Waiter<[UInt8]?>?
    private var writeWaiter: Waiter<Void>?

    /// Body bytes received ahead of the consumer.
    private static let readAhead = 64 * 1024

    init(_ request: ClientRequest, limits: ClientLimits, authorities: String?) {
        self.request = request
        self.limits = limits
        self.authorities = authorities
    }

    private var isOver: Bool { self.progress == .over }

    // MARK: Starting and ending

    func start(on multi: CurlMulti, _ waiter: Waiter<ClientResponse>) {
        self.headWaiter = waiter
        self.multi = multi
        guard !self.isCancelled else { return self.fail(.cancelled, "the request was cancelled") }
        if let fault = ClientMessage.fault(in: self.request) { return self.fail(.invalidMessage, fault) }
        guard self.request.upgrade == nil else { return self.fail(.invalidMessage, "no switch of protocols over TLS") }
        guard let easy = CurlEasy(delegate: self), easy.prepare(self.request, limits: self.limits, authorities: self.authorities)
        else { return self.fail(.unavailable, "libcurl refused an option") }
        self.easy = easy
        if case .bytes(let bytes) = self.request.body { self.upload = bytes }
        do throws(SystemError) {
            try multi.core.register(self)
            try multi.add(self, easy)
        } catch {
            return self.fail(.unavailable, "\(error)")
        }
        multi.core.setDeadline(self, after: self.request.deadline)
        if case .stream(let stream, let length) = self.request.body { self.startUpload(stream, length, on: multi.loop) }
    }

    override func loopEnds() { self.fail(.unavailable, "the loop has ended") }

    func cancel() {
        self.isCancelled = true
        if self.multi != nil { self.fail(.cancelled, "the request was cancelled") }
    }

    /// The consumer has dropped the body.
    func abandon() {
        if self.progress == .streaming { self.fail(.cancelled, "the body was dropped") }
    }

    override func deadlinePassed() {
        self.fail(.timedOut, self.progress == .streaming ? "the body has stalled" : "no response in time")
    }

    /// libcurl is done with the transfer.
    func ended(_ ending: CurlEasy.Ending) {
        switch ending {
        case .complete where self.head.isComplete:
            let wasStreaming = self.progress == .streaming
            self.trailers.set(self.head.trailers)
            self.conclude()
            if wasStreaming { self.deliverPiece() } else { self.deliver(BodyStream(self.takePiece())) }
        case .complete: self.fail(.disconnected, "there was no response")
        case .failed(let code, let text):
            if let fault = self.head.fault { self.fail(fault.code, fault.reason) } else { self.fail(code, text) }
        }
    }

    /// The response was complete before the request was. libcurl would wait for the rest of the body to send.
    func endedEarly() {
        if !self.isOver { self.ended(.complete) }
    }

    private func endSoonIfWhole() {
        guard !self.uploadHasEnded, self.progress == .awaitingBody else { return }
        let isBodyless = self.request.method == .head || self.head.head.isBodyless
        if isBodyless || self.head.length == UInt64(self.piece.count) { self.multi?.endSoon(self) }
    }

    private func fail(_ code: HTTPError.Code, _ reason: String) {
        guard !self.isOver else { return }
        let error = HTTPError(code, "\(self.request.origin): \(reason)", isBeforeSend: self.attempts == 0)
        self.failure = error
        self.conclude()
        self.headWaiter.take()?.resume(returning: .failure(error))
        self.bodyWaiter.take()?.resume(returning: .failure(error))
    }

    private func conclude() {
        self.progress = .over
        if let easy = self.easy.take() { self.multi?.remove(easy) }
        self.multi?.core.forget(self)
        self.writeWaiter.take()?.resume(returning: .failure(HTTPError(.cancelled, "the exchange is over")))
    }

    // MARK: What libcurl tells

    /// libcurl sends a request again by itself when a kept-alive connection turns out closed. That is for us to allow,
    /// since the peer may have acted on it.
    func beforeRequest() -> Bool {
        self.attempts += 1
        return self.attempts == 1 || (self.request.method.isIdempotent && self.isRepeatable)
    }

    private var isRepeatable: Bool {
        if case .stream = self.request.body { false } else { true }
    }

    func rewindUpload() -> Bool {
        self.uploadPlace = 0
        return self.isRepeatable
    }

    func headerLine(_ line: Span<UInt8>) -> Bool {
        guard self.head.read(line, limits: self.limits) else { return false }
        if self.head.isComplete, self.progress == .awaitingHead { self.headEnded() }
        return true
    }

    private func headEnded() {
        guard let multi = self.multi else { return }
        let isBodyless = self.request.method == .head || self.head.head.isBodyless
        if isBodyless || (self.head.length ?? .max) <= self.limits.wholeBodyBytes {
            self.progress = .awaitingBody
            multi.core.setDeadline(self, after: self.request.bodyIdle)
            self.endSoonIfWhole()
        } else {
            self.progress = .streaming
            // Nobody waits for body yet, so its silence is not the peer's.
            multi.core.clearDeadline(self)
            self.deliver(BodyStream(CurlBodySource(LoopBound(current: self, of: multi.loop), self.trailers)))
        }
    }

    func body(_ bytes: Span<UInt8>) -> Bool {
        guard let multi = self.multi, !self.isOver else { return true }
        guard self.piece.count < Self.readAhead || self.progress == .awaitingBody else {
            self.receivingIsPaused = true
            multi.core.clearDeadline(self)
            return false
        }
        self.piece.append(span: bytes)
        if self.progress == .streaming, self.bodyWaiter == nil {
            multi.core.clearDeadline(self)
        } else {
            multi.core.setDeadline(self, after: self.request.bodyIdle)
        }
        if self.progress == .streaming { self.deliverPiece() } else { self.endSoonIfWhole() }
        return true
    }

    func nextUpload(into buffer: UnsafeMutableRawBufferPointer) -> CurlEasy.Upload {
        let count = min(buffer.count, self.upload.count - self.uploadPlace)
        if count > 0 {
            unsafe buffer.copyBytes(from: self.upload[self.uploadPlace..<(self.uploadPlace + count)])
            self.uploadPlace += count
            if self.isRepeatable { return .bytes(count) }
            if self.progress == .awaitingHead { self.multi?.core.setDeadline(self, after: self.request.bodyIdle) }
            if self.uploadPlace == self.upload.count { self.writeWaiter.take()?.resume(returning: .success(())) }
            return .bytes(count)
        }
        if self.uploadHasEnded {
            let isStreamed = !self.isRepeatable
            if isStreamed, self.progress == .awaitingHead { self.multi?.core.setDeadline(self, after: self.request.deadline) }
            return .end
        }
        self.sendingIsPaused = true
        return .later
    }

    private func resume() { self.easy?.resume(receiving: !self.receivingIsPaused, sending: !self.sendingIsPaused) }

    // MARK: The response

    private func deliver(_ body: BodyStream) {
        let response = ClientResponse(head: self.head.head, length: self.head.length, body: body)
        self.headWaiter.take()?.resume(returning: .success(response))
    }

    private func takePiece() -> [UInt8] {
        defer { self.piece = [] }
        return self.piece
    }

    /// The next piece if it is here.
    func takeBody() -> Result<[UInt8]?, HTTPError>? {
        if !self.piece.isEmpty {
            let piece = self.takePiece()
            if self.receivingIsPaused {
                self.receivingIsPaused = false
                self.resume()
            }
            return .success(piece)
        }
        if let failure = self.failure { return .failure(failure) }
        return self.isOver ? .success(nil) : nil
    }

    func awaitBody(_ waiter: Waiter<[UInt8]?>) {
        if let piece = self.takeBody() { return waiter.resume(returning: piece) }
        precondition(self.bodyWaiter == nil, "A body has one consumer.")
        self.bodyWaiter = waiter
        self.multi?.core.setDeadline(self, after: self.request.bodyIdle)
    }

    private func deliverPiece() {
        guard self.bodyWaiter != nil, let piece = self.takeBody() else { return }
        if !self.isOver { self.multi?.core.clearDeadline(self) }
        self.bodyWaiter.take()?.resume(returning: piece)
    }

    // MARK: The request's body

    private func startUpload(_ stream: BodyStream, _ length: UInt64?, on loop: EventLoop) {
        self.uploadHasEnded = false
        let upload = CurlUpload(LoopBound(current: self, of: loop), length: length)
        Task(executorPreference: loop) { await upload.run(stream) }
    }

    /// Hands over the next piece; the waiter is told when libcurl has taken all of it.
    func send(_ bytes: [UInt8], _ waiter: Waiter<Void>) {
        guard !self.isOver else { return waiter.resume(returning: .failure(HTTPError(.cancelled, "the exchange is over"))) }
        self.upload = bytes
        self.uploadPlace = 0
        self.writeWaiter = waiter
        self.resumeSending()
    }

    func endUpload() {
        self.uploadHasEnded = true
        self.resumeSending()
    }

    /// The source of the request's body has failed: the peer must not take half of it for the whole.
    func uploadFailed(_ error: HTTPError) { self.fail(error.code, error.reason) }

    private func resumeSending() {
        guard self.sendingIsPaused, !self.isOver else { return }
        self.sendingIsPaused = false
        self.resume()
    }
}
