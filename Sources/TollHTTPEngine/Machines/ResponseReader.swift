// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Reads one response, the head and then the body: bytes in, pieces out.
struct ResponseReader {
    /// How far it is.
    enum Progress {
        /// In the head.
        case head
        /// In the body; ``piece`` has what came of it.
        case body
        /// The response is over.
        ///
        /// - isReusable: Whether the connection may carry another exchange: it is to be kept, and nothing came behind.
        case over(isReusable: Bool)
    }

    private var parser: ResponseParser
    private var decoder = BodyDecoder(request: .none)
    private var hasHead = false
    /// What of the body has come and was not taken yet.
    private(set) var piece: [UInt8] = []

    init(to method: Method, upgrade: String?, limits: ClientLimits) {
        self.parser = ResponseParser(
            to: method, headerBytes: limits.headerBytes, fieldCount: limits.fieldCount, upgrade: upgrade)
    }

    /// True when nothing of a response has been seen.
    var isAtStart: Bool { self.parser.isAtStart }

    /// Body bytes that are announced; nil when it is not known how many come.
    var announced: UInt64? {
        if case .length(let length) = self.parser.framing { length } else { nil }
    }

    /// What `Content-Length` says, also for `HEAD`.
    var length: UInt64? { self.parser.length }

    var trailers: Fields { self.decoder.trailers }

    /// Reads on. All bytes are used, unless the response is over.
    mutating func read(_ bytes: Span<UInt8>) throws(HTTPError) -> Progress {
        var place = 0
        if !self.hasHead {
            guard let used = try self.parser.parse(bytes) else { return .head }
            place = used
            self.decoder = BodyDecoder(response: self.parser.framing)
            self.hasHead = true
        }
        place += try self.decoder.decode(bytes.extracting(place...), room: .max, into: &self.piece)
        return self.decoder.isDone ? .over(isReusable: self.parser.keepAlive && place == bytes.count) : .body
    }

    /// The peer has closed its side: that ends a body until close and breaks any other.
    mutating func close() throws(HTTPError) -> Progress {
        try self.decoder.close()
        return .over(isReusable: false)
    }

    mutating func takeHead() -> ResponseHead { self.parser.takeHead() }

    mutating func takePiece() -> [UInt8] {
        defer { self.piece = [] }
        return self.piece
    }

    // MARK: Memory that is used again

    /// Reads into memory that was used before. Only at the start.
    mutating func use(_ scratch: inout ClientScratch) {
        guard self.isAtStart else { return }
        swap(&self.piece, &scratch.body)
        self.parser.readHead(into: &scratch.response)
    }

    /// The response that is over, where its body is as long as was announced and some was allowed; nil for any other.
    mutating func takeWhole() -> (head: ResponseHead, body: [UInt8])? {
        guard self.length == UInt64(self.piece.count), !self.parser.isHead, !self.parser.head.isBodyless else { return nil }
        return (self.takeHead(), self.takePiece())
    }
}
