// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments

/// A request's body, read as far as a claim needs it.
struct HeldBody: Sendable {
    /// Bodies up to this are read before the claim, so that "the same request" includes them. A larger one streams through, and
    /// its request is never the same as another.
    static let byteCountMax = 1 << 20

    /// The whole body; nil when it is larger.
    let whole: [UInt8]?
    /// What goes to the upstream.
    let forClient: ClientBody
    /// What went wrong while the rest of a larger one was read.
    let watch: WatchedBody?

    init(_ request: Request) async throws(HTTPError) {
        switch request.head.framing {
        case .none:
            self.whole = []
            self.forClient = .none
            self.watch = nil
            return
        case .length(let length) where length > UInt64(Self.byteCountMax):
            let watch = WatchedBody(request.body)
            self.whole = nil
            self.forClient = .stream(BodyStream(watch), length: length)
            self.watch = watch
            return
        case .length, .chunked: break
        }
        var read: [UInt8] = []
        while let piece = try await request.body.next() {
            read += piece
            guard read.count <= Self.byteCountMax else {
                let watch = WatchedBody(request.body)
                self.whole = nil
                self.forClient = .stream(Self.chained(read, BodyStream(watch)), length: nil)
                self.watch = watch
                return
            }
        }
        self.whole = read
        self.forClient = .bytes(read)
        self.watch = nil
    }

    /// What the client did wrong, when sending the body failed for that.
    var fault: PaidRequest.RequestFault? { self.watch?.fault }

    private static func chained(_ first: [UInt8], _ rest: BodyStream) -> BodyStream {
        let head = BodyStream(first)
        return BodyStream { () async throws(HTTPError) -> [UInt8]? in
            if let piece = try await head.next() { return piece }
            return try await rest.next()
        }
    }
}

/// What makes a request the same as another, by its parts.
enum RequestParts {
    /// Besides every field whose name begins with `accept`.
    private static let compared: [FieldName] = [.authorization, .cookie, "range"]

    static func identity(_ head: RequestHead, body: HeldBody, isIdempotent: Bool) -> RequestIdentity {
        let isRepeatable = isIdempotent || head.method == .get || head.method == .head
        guard let whole = body.whole else { return RequestIdentity(digest: nil, isRepeatable: isRepeatable) }
        var parts: [[UInt8]] = [Array(head.method.token.utf8), Array(head.authority ?? []), head.target, whole]
        for (name, value) in head.fields where name.first.map(Self.mayBeCompared) ?? false {
            let name = name.map(ByteGrammar.lowercased)
            guard name.starts(with: "accept".utf8) || self.compared.contains(where: { $0.bytes == name }) else { continue }
            parts += [name, Array(value)]
        }
        return RequestIdentity(parts: parts, isRepeatable: isRepeatable)
    }

    /// Whether a field is worth a closer look, by the first letter of its name.
    private static func mayBeCompared(_ letter: UInt8) -> Bool {
        let letter = ByteGrammar.lowercased(letter)
        return letter == UInt8(ascii: "a") || self.compared.contains { $0.bytes.first == letter }
    }
}

/// An upstream's answer between its arrival and its delivery.
struct HeldAnswer: Sendable {
    let head: ResponseHead
    /// The whole body when it is in memory; nil while it streams, from the upstream or from the disk.
    let whole: [UInt8]?
    let response: ClientResponse

    /// - Parameter isHeldWhole: Whether the body is read now, because the answer is not paid for yet.
    init(
        _ response: ClientResponse, isHeldWhole: Bool, requestMethod: Method, holding: AnswerHolding
    ) async throws(HTTPError) {
        self.head = response.head
        var response = response
        if response.tunnel != nil {
            self.whole = nil
        } else if requestMethod == .head || response.head.isBodyless {
            self.whole = []
        } else if isHeldWhole {
            switch try await holding.hold(response.body) {
            case .inMemory(let bytes): self.whole = bytes
            case .onDisk(let body, let byteCount):
                self.whole = nil
                response.body = body
                // Only a body in chunks has trailers.
                if body.trailers.isEmpty { response.length = byteCount }
            }
        } else if let length = response.length, length <= UInt64(StoredAnswer.bodyByteCountMax) {
            self.whole = try await response.body.collect(upTo: StoredAnswer.bodyByteCountMax)
        } else {
            self.whole = nil
        }
        self.response = response
    }

    /// As the ledger keeps it, with the fields that clients see; nil when it streams or is over the limit.
    func stored(_ visible: ResponseHead, requestMethod: Method) -> StoredAnswer? {
        guard let whole = self.whole, whole.count <= StoredAnswer.bodyByteCountMax else { return nil }
        var fields = visible.fields.map {
            StoredAnswer.Field(name: String(decoding: $0.name, as: UTF8.self), value: Array($0.value))
        }
        // Of a HEAD the length is part of the answer, and cannot be told from a body that is not there.
        if requestMethod == .head, let length = self.response.length {
            fields.append(StoredAnswer.Field(name: "Content-Length", value: Array(String(length).utf8)))
        }
        return StoredAnswer(status: self.head.status, fields: fields, body: whole)
    }
}

extension StoredAnswer {
    /// The answer to send again.
    var response: ClientResponse {
        var fields = Fields()
        for field in self.fields { fields.append(field.name.utf8, field.value) }
        let length = fields.firstText(.contentLength).flatMap(UInt64.init)
        fields.remove(.contentLength)
        return ClientResponse(
            head: ResponseHead(status: self.status, fields: fields), length: length, body: BodyStream(self.body))
    }
}
