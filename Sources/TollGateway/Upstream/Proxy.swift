// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollProtocol
internal import TollRuntime

/// Calls upstreams and writes answers: every byte that leaves the gateway outside the prepared challenge leaves here.
struct Proxy: Sendable {
    /// What is the same for every request.
    private final class Rules: Sendable {
        let forwarding: Forwarding
        let crossOrigin: CrossOrigin
        let mode: GatewayMode
        let log: Logger

        init(_ forwarding: Forwarding, _ crossOrigin: CrossOrigin, _ mode: GatewayMode, _ log: Logger) {
            self.forwarding = forwarding
            self.crossOrigin = crossOrigin
            self.mode = mode
            self.log = log
        }
    }

    private let rules: Rules
    /// How the client of this request stands to its limits.
    var rates = RateVerdict.unlimited
    var forwarding: Forwarding { self.rules.forwarding }
    private var log: Logger { self.rules.log }

    init(forwarding: Forwarding, crossOrigin: CrossOrigin, mode: GatewayMode, log: Logger) {
        self.rules = Rules(forwarding, crossOrigin, mode, log)
    }

    /// What became of an answer on its way to the client.
    enum Delivery: Sendable {
        case whole
        /// The client has gone away, or reads no more.
        case unread
        /// The upstream broke off.
        case cutShort(String)

        var isWhole: Bool { if case .whole = self { true } else { false } }
    }

    /// A free request: passed on and streamed back. A client that goes away takes the call of the upstream with it.
    ///
    /// - Parameters:
    ///   - pass: What a request for something priced came with, in place of a payment.
    ///   - failure: What came of it at one of the addresses, where that was asked already.
    func pass(
        _ request: Request, by pass: Pass? = nil, to upstream: UpstreamPool, after failure: UpstreamPool.Failure? = nil,
        _ responder: consuming Responder
    ) async {
        let watched = request.head.framing == .none ? nil : WatchedBody(request.body)
        let answer: ClientResponse
        do throws(HTTPError) {
            answer = try await upstream.send(self.outgoing(request, by: pass, watched, to: upstream.settings), after: failure) {
                watched?.failure != nil
            }
        } catch {
            await self.refuse(request.head, after: error, from: upstream, bodyFailure: watched?.failure, responder)
            return
        }
        await self.relay(consume answer, from: upstream.settings, request.head, receipt: pass?.fields ?? [], responder)
    }

    private func outgoing(
        _ request: Request, by pass: Pass?, _ body: WatchedBody?, to upstream: Upstream
    ) -> ClientRequest {
        let body = body.map { self.streamed(BodyStream($0), request.head.framing) } ?? ClientBody.none
        var outgoing = self.forwarding.request(request, to: upstream, body: body, payment: nil, pass: pass)
        outgoing.caller = request.client
        return outgoing
    }

    // A task's memory holds what a function needs at most, in whichever way it goes. The unusual ways have functions of their
    // own, so that the usual one stays small: hence `@inline(never)`.

    @inline(never)
    private func refuse(
        _ request: RequestHead, after error: HTTPError, from upstream: UpstreamPool, bodyFailure: HTTPError?,
        _ responder: consuming Responder
    ) async {
        if let bodyFailure {
            self.log.info("request broke off", ["upstream": upstream.name, "reason": bodyFailure.description])
            await self.refuse(.body(bodyFailure), request, responder)
        } else {
            let isUnwanted = error.code == .cancelled
            self.log.log(
                isUnwanted ? .debug : .warning, "upstream failed", ["upstream": upstream.name, "reason": error.description])
            await self.refuse(Self.problem(error, upstream), request, responder)
        }
    }

    static func problem(_ error: HTTPError, _ upstream: UpstreamPool) -> GatewayProblem {
        switch error.code {
        case .timedOut: .upstreamTimedOut
        case .unavailable where error.isBeforeSend: .upstreamOut(retryAfter: upstream.retryAfterSeconds)
        default: .upstreamFailed
        }
    }

    /// A request's body as it comes.
    func streamed(_ body: BodyStream, _ framing: BodyFraming) -> ClientBody {
        switch framing {
        case .none: .none
        case .length(let length): .stream(body, length: length)
        case .chunked: .stream(BodyStream(FilteredTrailers(body, keeps: self.forwarding.isForUpstream)), length: nil)
        }
    }

    /// Streams an upstream's answer to the client, each piece as it comes.
    @discardableResult
    func relay(
        _ answer: consuming ClientResponse,
        from upstream: Upstream,
        _ request: RequestHead,
        receipt: [(name: String, value: String)],
        _ responder: consuming Responder
    ) async -> Delivery {
        self.prepare(&answer.head, from: upstream, to: request, receipt: receipt)
        // A short answer is here already: head and body go in one write. Of a HEAD the length is not that of what is here.
        guard let whole = answer.body.whole, answer.length == UInt64(whole.count), answer.tunnel == nil, request.method != .head,
            !answer.head.isBodyless
        else { return await self.stream(answer, from: upstream, request, responder) }
        do throws(HTTPError) {
            try await responder.send(answer.head, body: whole)
            return .whole
        } catch {
            self.log.debug("answer cut short", ["upstream": upstream.name, "reason": error.description])
            return .unread
        }
    }

    /// Makes of the head of an upstream's answer what the client gets.
    func prepare(
        _ head: inout ResponseHead, from upstream: Upstream, to request: RequestHead,
        receipt: [(name: String, value: String)] = []
    ) {
        self.forwarding.keepVisible(&head.fields, from: upstream)
        self.finish(&head, request, receipt: receipt)
    }

    /// Streams an answer whose head is ready.
    @inline(never)
    private func stream(
        _ answer: ClientResponse, from upstream: Upstream, _ request: RequestHead, _ responder: consuming Responder
    ) async -> Delivery {
        if let tunnel = answer.tunnel { return await self.join(answer, tunnel, responder) }
        var isReading = false
        do throws(HTTPError) {
            let writer = try await responder.stream(answer.head, length: answer.length)
            guard request.method != .head, !answer.head.isBodyless else {
                try await writer.finish()
                return .whole
            }
            while true {
                isReading = true
                guard let piece = try await answer.body.next() else { break }
                isReading = false
                try await writer.write(piece)
            }
            isReading = false
            try await writer.finish(trailers: self.forwarding.responseTrailers(answer.body.trailers, from: upstream))
            return .whole
        } catch {
            self.log.debug("answer cut short", ["upstream": upstream.name, "reason": error.description])
            return isReading && error.code != .cancelled ? .cutShort(error.description) : .unread
        }
    }

    /// Passes bytes both ways until either side ends; each is read no faster than the other takes it.
    private func join(_ answer: ClientResponse, _ tunnel: any TunnelSink, _ responder: consuming Responder) async -> Delivery {
        var head = answer.head
        head.fields.append("Upgrade", Forwarding.webSocket)
        do throws(HTTPError) {
            let writer = try await responder.upgrade(head)
            let input = writer.input
            async let upward: Void = Self.carry(input, to: tunnel)
            await Self.carry(answer.body, to: writer)
            await upward
            return .whole
        } catch {
            self.log.debug("tunnel not opened", ["reason": error.description])
            return .unread
        }
    }

    /// The writer goes with the call, so that the client's side ends whenever the upstream's does.
    private static func carry(_ body: BodyStream, to writer: consuming ResponseWriter) async {
        do throws(HTTPError) {
            while let piece = try await body.next() { try await writer.write(piece) }
            try await writer.finish()
        } catch { return }
    }

    private static func carry(_ input: BodyStream, to tunnel: any TunnelSink) async {
        while let piece = try? await input.next() {
            do throws(HTTPError) { try await tunnel.write(piece) } catch { return }
        }
        tunnel.end()
    }

    /// Sends a whole answer; says whether all of it arrived.
    @discardableResult
    func send(
        _ head: ResponseHead,
        body: [UInt8],
        _ request: RequestHead,
        receipt: [(name: String, value: String)],
        _ responder: consuming Responder
    ) async -> Bool {
        var head = head
        self.finish(&head, request, receipt: receipt)
        do throws(HTTPError) {
            try await responder.send(head, body: body)
            return true
        } catch {
            self.log.debug("answer not delivered", ["reason": error.description])
            return false
        }
    }

    /// What every answer gets: cross-origin fields, and how the client stands to its limits; a paid one also its receipt, and
    /// privacy from shared caches.
    private func finish(_ head: inout ResponseHead, _ request: RequestHead, receipt: [(name: String, value: String)]) {
        if !receipt.isEmpty {
            for (name, value) in receipt { head.fields.append(name, value) }
            self.forwarding.makePrivate(&head.fields)
        }
        for (name, value) in self.rates.isUnlimited ? [] : self.rates.fields {
            if let name = FieldName(name) { head.fields.remove(name) }
            head.fields.append(name, value)
        }
        if self.rules.mode == .test { head.fields.append("Tollgate-Mode", "test") }
        self.rules.crossOrigin.apply(to: &head.fields, origin: request.fields.firstText(.origin))
    }

    /// Answers with a problem; says whether all of it arrived.
    @discardableResult
    func refuse(
        _ problem: GatewayProblem,
        _ request: RequestHead,
        receipt: [(name: String, value: String)] = [],
        _ responder: consuming Responder,
        _ adjust: (inout Fields) -> Void = { _ in }
    ) async -> Bool {
        var head = problem.head
        adjust(&head.fields)
        return await self.send(head, body: problem.body, request, receipt: receipt, responder)
    }

    /// Answers 402 with a fresh challenge; as a page when there is one.
    func challenge(
        _ route: PricedRoute,
        _ offer: Offer,
        _ request: RequestHead,
        _ occasion: ChallengeOccasion,
        receipt: Receipt?,
        page: [UInt8]?,
        _ responder: consuming Responder
    ) async {
        let error = occasion.refusal
        let challenges = await route.challenges(for: offer, occasion)
        guard !challenges.isEmpty else {
            await self.refuse(.unavailable, request, responder)
            return
        }
        let document = page == nil ? ChallengeBody.document(of: challenges, for: request) : nil
        var fields = Fields()
        fields.append(
            "Content-Type", page == nil ? document?.mediaType ?? "application/json" : "text/html; charset=utf-8")
        fields.append("Cache-Control", "no-store")
        if page != nil { fields.append("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") }
        for (name, value) in route.fields(challenges) { fields.append(name.utf8, value) }
        let status = error?.reason == ErrorReason.permit2AllowanceRequired.rawValue ? 412 : 402
        let detail = error.map { error in
            if error == .passExpired { return error.detail }
            return "The payment was refused: \(error.detail.isEmpty ? error.reason : error.detail)."
        }
        let body = page ?? document?.body ?? ChallengeBody.json(challenges, status: status, error: error?.reason, detail: detail)
        let receipts = receipt.map { receipt in route.dialects.flatMap { $0.receipt(receipt) } } ?? []
        await self.send(ResponseHead(status: status, fields: fields), body: body, request, receipt: receipts, responder)
    }
}
