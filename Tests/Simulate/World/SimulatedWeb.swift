// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

/// The sites of the world, and what is carried between them.
final class SimulatedWeb: Sendable {
    /// Who listens under a name.
    struct Site: Sendable {
        let process: SimulatedProcess
        let handler: any RequestHandler
    }

    let network: SimulatedNetwork
    let observer: Observer
    let trace: Trace
    private let tally: Tally
    private let dice: Dice
    private let sites = Mutex<[String: [Site]]>([:])
    /// How often of a thousand a client is gone when its answer is ready.
    private let clientGone: Int
    private let calmFrom: Duration

    init(
        _ network: SimulatedNetwork, observer: Observer, trace: Trace, tally: Tally, seed: UInt64, clientGone: Int,
        calmFrom: Duration
    ) {
        self.network = network
        self.observer = observer
        self.trace = trace
        self.tally = tally
        self.dice = Dice(seed: seed, "web")
        self.clientGone = clientGone
        self.calmFrom = calmFrom
    }

    /// `handler` answers for `host`, beside others that do, as long as its process lives.
    func listen(_ host: String, _ process: SimulatedProcess, _ handler: any RequestHandler) {
        self.sites.withLock { $0[host] = ($0[host] ?? []).filter(\.process.isAlive) + [Site(process: process, handler: handler)] }
    }

    /// Nobody listens any more.
    func close() { self.sites.withLock { $0 = [:] } }

    private func site(_ host: String) -> Site? {
        let alive = self.sites.withLock { $0[host] ?? [] }.filter(\.process.isAlive)
        return alive.isEmpty ? nil : alive[self.dice.number(in: 0...(alive.count - 1))]
    }

    /// What arrives at a site: answered at once, or in a task of its process.
    func arrive(
        _ head: RequestHead, body: [UInt8], host: String, from asker: Asker,
        reply: @escaping @Sendable (RecordedResponse?) -> Void
    ) {
        guard let site = self.site(host) else { return reply(nil) }
        var immediate = ImmediateAnswer(dateField: Array("Sat, 15 Jan 2027 08:00:00 GMT".utf8)) { pool in
            for index in pool.indices.prefix(2) { pool[index] = self.dice.next() }
        }
        let peer = PeerAddress(ip: "192.0.2.7", port: 40_000)
        if case .answered = site.handler.receive(head, peer: peer, answer: &immediate) {
            return reply(RecordedResponse(wire: immediate.bytes))
        }
        let mayGo = asker.kind == .buyer && self.network.executor.now < self.calmFrom
        let isGone = mayGo && self.dice.happens(perMille: self.clientGone)
        if isGone { self.tally.note(.clientGone) }
        let channel = SimulatedChannel(
            process: site.process, asker: asker, head: head, askedAt: self.network.executor.now, observer: self.observer,
            trace: self.trace, isClientGone: isGone, reply: reply)
        let stream = body.isEmpty ? BodyStream.empty : BodyStream(body)
        site.process.spawn {
            await site.handler.handle(Request(head: head, peer: peer, body: stream), Responder(channel))
        }
    }
}

/// An HTTP client of one process.
struct SimulatedHTTPClient: HTTPClient {
    let web: SimulatedWeb
    let process: SimulatedProcess
    let asker: Asker

    func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        guard self.process.isAlive else { throw HTTPError(.cancelled, "the process is dead", isBeforeSend: true) }
        let body: [UInt8] =
            switch request.body {
            case .none: []
            case .bytes(let bytes): bytes
            case .stream(let stream, _): try await stream.collect(upTo: .max)
            }
        var fields = request.fields
        if !fields.contains(.host) { fields.set(.host, request.origin.authority) }
        let framing: BodyFraming = if case .none = request.body { .none } else { .length(UInt64(body.count)) }
        let head = RequestHead(method: request.method, target: request.target, fields: fields, framing: framing)
        let (web, asker, host) = (self.web, self.asker, request.origin.host)
        let deadline = request.deadline
        let exchange: SimulatedNetwork.Exchange<RecordedResponse> = await web.network.exchange(deadline: deadline) { reply in
            web.arrive(head, body: body, host: host, from: asker, reply: reply)
        }
        guard self.process.isAlive else { throw HTTPError(.cancelled, "the process is dead") }
        switch exchange {
        case .answered(let response):
            let body = response.isWhole ? BodyStream(response.body) : Self.broken(response.body)
            return ClientResponse(head: response.head, length: UInt64(response.body.count), body: body)
        case .notSent: throw HTTPError(.connectFailed, "connection refused", isBeforeSend: true)
        case .broken: throw HTTPError(.disconnected, "connection reset")
        case .timedOut: throw HTTPError(.timedOut, "no answer in time")
        case .cancelled: throw HTTPError(.cancelled, "the task was cancelled")
        }
    }

    private static func broken(_ bytes: [UInt8]) -> BodyStream {
        let pieces = Mutex([bytes])
        return BodyStream { () throws(HTTPError) in
            guard let piece = pieces.withLock({ $0.popLast() }) else { throw HTTPError(.disconnected, "connection reset") }
            return piece
        }
    }
}

/// The server's side of one answer.
final class SimulatedChannel: ResponseChannel {
    private let process: SimulatedProcess
    private let asker: Asker
    private let head: RequestHead
    private let askedAt: Duration
    private let observer: Observer
    private let trace: Trace
    private let isClientGone: Bool
    private let reply: @Sendable (RecordedResponse?) -> Void
    private let response = Mutex<RecordedResponse?>(nil)

    init(
        process: SimulatedProcess, asker: Asker, head: RequestHead, askedAt: Duration, observer: Observer, trace: Trace,
        isClientGone: Bool, reply: @escaping @Sendable (RecordedResponse?) -> Void
    ) {
        self.process = process
        self.asker = asker
        self.head = head
        self.askedAt = askedAt
        self.observer = observer
        self.trace = trace
        self.isClientGone = isClientGone
        self.reply = reply
    }

    private func checkOpen() throws(HTTPError) {
        guard self.process.isAlive, !self.isClientGone else { throw HTTPError(.disconnected, "the client is gone") }
    }

    func send(_ head: ResponseHead, body: [UInt8]) async throws(HTTPError) {
        try self.checkOpen()
        self.leave(body)
        let response = RecordedResponse(head: head, body: body, isWhole: true)
        self.response.withLock { $0 = response }
        self.trace.note("\(self.process.name) answers \(self.asker) \(head.status)")
        self.reply(response)
    }

    func start(_ head: ResponseHead, length: UInt64?) async throws(HTTPError) {
        try self.checkOpen()
        self.response.withLock { $0 = RecordedResponse(head: head, body: [], isWhole: false) }
    }

    func write(_ bytes: [UInt8]) async throws(HTTPError) {
        try self.checkOpen()
        self.leave(bytes)
        self.response.withLock { $0?.body += bytes }
    }

    func finish(trailers: Fields) async throws(HTTPError) {
        try self.checkOpen()
        let response = self.response.withLock { response in
            response?.isWhole = true
            return response
        }
        self.trace.note("\(self.process.name) streamed to \(self.asker) \(response?.head.status ?? 0)")
        self.reply(response)
    }

    func responderReleased() {
        guard self.process.isAlive, self.response.withLock({ $0 }) == nil else { return }
        self.reply(RecordedResponse(head: ResponseHead(status: 500), body: [], isWhole: true))
    }

    func writerReleased() {
        guard self.process.isAlive, let response = self.response.withLock({ $0 }), !response.isWhole else { return }
        self.reply(response)
    }

    /// Goods on their way out are what the invariants are about.
    private func leave(_ body: [UInt8]) {
        guard self.asker.kind != .gateway else { return }
        guard body.starts(with: Goods.answerPrefix) || body.starts(with: Goods.prefix) else { return }
        let credential = PresentedCredential(self.head)
        let proof = credential == nil ? PresentedProof(self.head) : nil
        if body.starts(with: Goods.answerPrefix), let payment = credential?.payment ?? proof?.payment {
            self.observer.note { events, _ in events.otherAnswers.append(payment) }
        }
        guard body.starts(with: Goods.prefix) else { return }
        let goods = String(decoding: body.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        self.trace.note("\(self.process.name) lets \(goods) go to \(self.asker)")
        self.observer.note { events, order in
            events.goods.append(
                WorldEvents.GoodsLeft(
                    order: order, time: self.process.executor.now, askedAt: self.askedAt, asker: self.asker,
                    process: self.process.name, goods: goods,
                    path: String(decoding: self.head.path, as: UTF8.self), credential: credential, proof: proof,
                    signIn: self.head.fields.firstText("sign-in-with-x")))
        }
    }
}

/// What the upstream sells: each answer another one.
enum Goods {
    static let prefix = Array("goods ".utf8)
    /// What it answers when it sells nothing.
    static let answerPrefix = Array("answer ".utf8)
}

extension RecordedResponse {
    /// A serialized response, as prepared ones are.
    init?(wire bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        var fields = Fields()
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, fields.append(String(parts[0]), String(parts[1].drop { $0 == " " })) else { return nil }
        }
        guard let status = Int(lines[0].split(separator: " ")[1]) else { return nil }
        self.init(head: ResponseHead(status: status, fields: fields), body: Array(text[end.upperBound...].utf8), isWhole: true)
    }
}

extension PresentedCredential {
    /// As an observer reads a request.
    init?(_ head: RequestHead) {
        if let value = head.fields.firstText("payment-signature"), let payload = try? X402V2.PaymentPayload(headerValue: value),
            let exact = try? payload.exactEVM()
        {
            self.init(exact, dialect: "x402", challenge: payload.accepted.challenge.map { "\($0)" })
        } else if let value = head.fields.firstText("x-payment"), let payload = try? X402V1.PaymentPayload(headerValue: value),
            let exact = try? payload.exactEVM()
        {
            self.init(exact, dialect: "x402-v1", challenge: nil)
        } else {
            return nil
        }
    }

    init?(_ exact: ExactEVMPayload, dialect: String, challenge: String?) {
        guard let key = exact.key else { return nil }
        self.init(dialect: dialect, key: key, payment: key.payment, challenge: challenge)
    }
}
