// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// One request in a task's hands, and its response: the loop's half of ``ServerChannel``.
///
/// Both directions are independent: a handler may answer while the body still comes. At most one call waits per
/// direction.
final class ServerExchange {
    typealias Waiter<Value> = LoopContinuation<Result<Value, HTTPError>>

    private enum Response {
        case awaited
        case streaming(BodyEncoder)
        case complete
    }

    let client = ClientSignal()
    /// Nil unless the body is chunked.
    let trailers: TrailerBox?
    let expectsContinue: Bool
    private(set) var decoder: BodyDecoder
    private(set) var keepAlive: Bool
    private let isHead: Bool
    private let hasBody: Bool
    private let minorVersion: UInt8
    private var connection: ServerConnection?
    /// Why `connection` is nil.
    private var ending = HTTPError(.cancelled, "the response is complete")
    private var response = Response.awaited
    private var closes = false
    private var awaitsContinue: Bool
    /// Whether both sides have left HTTP: bytes are passed as they come, for as long as it takes.
    private(set) var isTunnel = false
    private var bodyFailure: HTTPError?
    private var bodyWaiter: Waiter<[UInt8]?>?
    private var pace = BodyPace()
    private var writeWaiter: Waiter<Void>?

    init(_ head: RequestHead, of connection: ServerConnection) {
        self.isHead = head.method == .head
        self.hasBody = head.framing != .none
        self.minorVersion = head.minorVersion
        self.expectsContinue = head.expectsContinue
        self.connection = connection
        self.decoder = BodyDecoder(request: head.framing)
        self.trailers = head.framing == .chunked ? TrailerBox() : nil
        self.keepAlive = head.keepAlive
        self.awaitsContinue = head.expectsContinue
    }

    /// The connection is gone.
    func detach(_ error: HTTPError) {
        self.connection = nil
        self.ending = error
        self.resumeBody(.failure(error))
        self.resumeWrite(.failure(error))
        self.client.markGone()
    }

    // MARK: The request's body

    var wantsBody: Bool { self.bodyWaiter != nil }

    /// How long the body that is waited for may let itself be waited for; nil while none is, and in a tunnel, which may be
    /// silent: whoever holds its other end knows for how long.
    var patience: Duration? {
        guard self.wantsBody, !self.isTunnel, let shard = self.connection?.shard else { return nil }
        return self.pace.patience(at: shard.core.now, received: self.decoder.byteCount, limits: shard.limits)
    }

    /// The next piece if it is here.
    func takeBody() -> Result<[UInt8]?, HTTPError>? {
        if let failure = self.bodyFailure { return .failure(failure) }
        if self.decoder.isDone { return .success(nil) }
        guard let connection = self.connection else { return .failure(self.ending) }
        var piece: Result<[UInt8]?, HTTPError>?
        connection.takeInput { bytes in
            let (used, result) = self.decode(bytes)
            piece = result
            return used
        }
        return piece
    }

    func awaitBody(_ waiter: Waiter<[UInt8]?>) {
        if let piece = self.takeBody() { return waiter.resume(returning: piece) }
        precondition(self.bodyWaiter == nil, "A body has one consumer.")
        self.bodyWaiter = waiter
        if self.awaitsContinue, case .awaited = self.response {
            _ = self.connection?.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        self.awaitsContinue = false
        if let connection = self.connection { self.pace.waits(at: connection.shard.core.now) }
        self.connection?.bodyWanted(for: self.patience)
    }

    /// Takes body bytes just received. Returns how many were used.
    func feed(_ bytes: Span<UInt8>) -> Int {
        let (used, piece) = self.decode(bytes)
        if let piece {
            self.resumeBody(piece)
        } else if let patience = self.patience {
            self.connection?.bodyProgressed(patience: patience)
        }
        return used
    }

    /// The client has closed its side of a tunnel.
    func inputEnded() {
        do throws(HTTPError) {
            try self.decoder.close()
            self.resumeBody(.success(nil))
        } catch {
            self.bodyFailed(error)
        }
    }

    func bodyFailed(_ error: HTTPError) {
        self.bodyFailure = error
        self.keepAlive = false
        self.resumeBody(.failure(error))
    }

    private func decode(_ bytes: Span<UInt8>) -> (used: Int, piece: Result<[UInt8]?, HTTPError>?) {
        guard let limits = self.connection?.shard.limits else { return (bytes.count, .failure(self.ending)) }
        do throws(HTTPError) {
            var piece: [UInt8] = []
            let used = try self.decoder.decode(bytes, room: limits.bodyReadAhead, into: &piece)
            guard self.isTunnel || self.decoder.byteCount <= limits.bodyBytes else {
                throw HTTPError(.tooLarge, "the body has more than \(limits.bodyBytes) bytes")
            }
            if self.decoder.isDone { self.trailers?.set(self.decoder.trailers) }
            if !piece.isEmpty { return (used, .success(piece)) }
            return (used, self.decoder.isDone ? .success(nil) : nil)
        } catch {
            self.bodyFailure = error
            self.keepAlive = false
            return (bytes.count, .failure(error))
        }
    }

    private func resumeBody(_ piece: Result<[UInt8]?, HTTPError>) {
        guard let waiter = self.bodyWaiter.take() else { return }
        if let connection = self.connection {
            self.pace.came(at: connection.shard.core.now)
            connection.bodyArrived()
        }
        waiter.resume(returning: piece)
    }

    // MARK: The response

    /// Sends a whole response. Nil when some of it waits for the client to read.
    func send(_ head: ResponseHead, body: [UInt8]) -> Result<Void, HTTPError>? {
        self.begin(head, length: UInt64(body.count)) { connection, bytes in
            self.response = .complete
            guard !self.isHead, !head.isBodyless else { return connection.write(bytes) }
            guard body.count <= Self.copiedMax else { return connection.write(bytes, body) }
            bytes += body
            return connection.write(bytes)
        }
    }

    /// Sends the head of a streamed response.
    func start(_ head: ResponseHead, length: UInt64?) -> Result<Void, HTTPError>? {
        self.begin(head, length: length) { connection, bytes in
            if self.isHead || head.isBodyless {
                self.response = .streaming(.length(0))
            } else if let length {
                self.response = .streaming(.length(length))
            } else {
                self.response = .streaming(self.minorVersion == 1 ? .chunked : .untilClose)
            }
            return connection.write(bytes)
        }
    }

    /// Sends a 101 and leaves HTTP.
    func upgrade(_ head: ResponseHead) -> Result<Void, HTTPError>? {
        guard let connection = self.connection else { return .failure(self.ending) }
        guard case .awaited = self.response, head.status == 101, !self.hasBody, self.minorVersion == 1 else {
            return .failure(HTTPError(.invalidMessage, "no protocol can be switched to here"))
        }
        var head = head
        head.fields.append("Connection", "Upgrade")
        var bytes: [UInt8] = []
        ResponseSerializer.append(head, framing: .none, date: connection.shard.answer.dateField, to: &bytes)
        self.isTunnel = true
        self.closes = true
        self.decoder = BodyDecoder(response: .untilClose)
        self.response = .streaming(.untilClose)
        return self.settle(connection.write(bytes))
    }

    func write(_ piece: [UInt8]) -> Result<Void, HTTPError>? {
        self.append { encoder, output throws(HTTPError) in try encoder.append(piece, to: &output) }
    }

    func finish(trailers: Fields) -> Result<Void, HTTPError>? {
        let result = self.append { encoder, output throws(HTTPError) in
            try encoder.finish(trailers: trailers, to: &output)
            self.response = .complete
        }
        if case .success = result { self.endIfComplete() }
        return result
    }

    /// The handler has dropped its responder: without an answer there is a 500.
    func responderReleased() {
        guard self.connection != nil, case .awaited = self.response else { return }
        self.keepAlive = false
        _ = self.send(ResponseHead(status: 500), body: [])
    }

    /// The handler has dropped its writer: half an answer is cut.
    func writerReleased() {
        guard let connection = self.connection, case .streaming = self.response else { return }
        connection.drop()
    }

    func awaitWrite(_ waiter: Waiter<Void>) {
        guard self.connection != nil else { return waiter.resume(returning: .failure(self.ending)) }
        self.writeWaiter = waiter
    }

    /// The kernel has taken everything.
    func outputSent() {
        self.resumeWrite(.success(()))
        self.endIfComplete()
    }

    private func begin(
        _ head: ResponseHead,
        length: UInt64?,
        _ send: (ServerConnection, inout [UInt8]) -> OutputQueue.Outcome
    ) -> Result<Void, HTTPError>? {
        guard let connection = self.connection else { return .failure(self.ending) }
        guard case .awaited = self.response else {
            return .failure(HTTPError(.invalidMessage, "the request is answered already"))
        }
        if let fault = Self.fault(in: head) { return .failure(HTTPError(.invalidMessage, fault)) }
        let isUntilClose = length == nil && self.minorVersion == 0
        self.closes = connection.endsWith(self) || isUntilClose
        var bytes: [UInt8] = []
        if let length, length <= Self.copiedMax { bytes.reserveCapacity(Self.likelyHeadByteCount + Int(length)) }
        ResponseSerializer.append(
            head,
            framing: self.framing(of: head, length: length),
            date: connection.shard.answer.dateField,
            close: self.closes,
            to: &bytes
        )
        return self.settle(send(connection, &bytes))
    }

    private func framing(of head: ResponseHead, length: UInt64?) -> BodyFraming {
        if head.isBodyless { return .none }
        if let length { return .length(length) }
        return self.minorVersion == 1 ? .chunked : .none
    }

    /// A body up to this is copied behind its head: one piece is sent more quickly than two.
    static let copiedMax = 4096
    /// Bytes that most heads fit.
    private static let likelyHeadByteCount = 768

    private static let owned = FieldNameSet([.contentLength, .transferEncoding, .connection])

    static func fault(in head: ResponseHead) -> String? {
        guard 200...999 ~= head.status else { return "a final status is 200–999, not \(head.status)" }
        guard head.fields.contains(anyOf: self.owned) else { return nil }
        return "Content-Length, Transfer-Encoding and Connection are written by the engine"
    }

    private func append(
        _ encode: (inout BodyEncoder, inout [UInt8]) throws(HTTPError) -> Void
    ) -> Result<Void, HTTPError>? {
        guard let connection = self.connection else { return .failure(self.ending) }
        guard case .streaming(var encoder) = self.response else {
            return .failure(HTTPError(.invalidMessage, "the response is complete"))
        }
        do throws(HTTPError) {
            var output: [UInt8] = []
            try encode(&encoder, &output)
            if case .streaming = self.response { self.response = .streaming(encoder) }
            return output.isEmpty ? .success(()) : self.settle(connection.write(output))
        } catch {
            return .failure(error)
        }
    }

    private func settle(_ outcome: OutputQueue.Outcome) -> Result<Void, HTTPError>? {
        switch outcome {
        case .broken: return .failure(self.ending)
        case .queued: return nil
        case .sent:
            self.endIfComplete()
            return .success(())
        }
    }

    private func endIfComplete() {
        guard case .complete = self.response, let connection = self.connection else { return }
        self.connection = nil
        self.client.finish()
        self.resumeBody(.failure(self.ending))
        connection.exchangeEnded(self, closes: self.closes || !self.keepAlive)
    }

    private func resumeWrite(_ result: Result<Void, HTTPError>) {
        self.writeWaiter.take()?.resume(returning: result)
    }
}
