// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollHTTPEngine

@Suite struct BodyTests {
    /// What the decoder gives out, and the rest of the input it left.
    static func decode(
        _ decoder: inout BodyDecoder,
        _ pieces: [ArraySlice<UInt8>],
        room: Int = .max
    ) throws -> ([UInt8], left: Int) {
        var body: [UInt8] = []
        var left = 0
        for piece in pieces {
            var rest = piece
            while !rest.isEmpty, !decoder.isDone {
                let used = try decoder.decode(rest.span, room: room, into: &body)
                rest = rest.dropFirst(used)
            }
            left += rest.count
        }
        return (body, left)
    }

    @Test(arguments: [
        ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("0005;name=\"v\"\r\nhello\r\n0;x\r\n\r\n", "hello"), ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
        ("1\r\nx\r\n0\r\nTrailer-A: 1\r\nB: 2\r\n\r\n", "x"),
    ])
    func `chunks are taken off in any split, with any room`(text: String, body: String) throws {
        let bytes = Array(text.utf8) + Array("GET".utf8)
        for split in bytes.indices {
            var decoder = BodyDecoder(request: .chunked)
            let result = try Self.decode(&decoder, [bytes[..<split], bytes[split...]], room: split % 3 + 1)
            #expect(decoder.isDone)
            #expect(result.0.elementsEqual(body.utf8))
            #expect(result.left == 3)
            #expect(decoder.byteCount == UInt64(body.utf8.count))
        }
    }

    @Test(arguments: [
        "0x5\r\nhello\r\n", "5 \r\nhello\r\n", " 5\r\nhello\r\n", "+5\r\nhello\r\n", "-5\r\nhello\r\n", "\r\n", ";x\r\n", "g\r\n",
        "5\nhello\r\n", "5\r\nhello\n", "5\r\nhelloX\r\n", "5\r\nhello0\r\n\r\n", "10000000000000000\r\n", "5;a\rb\r\nhello\r\n",
        "5;a\u{0}\r\nhello\r\n", "0\r\nX : 1\r\n\r\n", "0\r\n folded\r\n\r\n", "0\r\nX: 1\n\r\n", "0\r\n\n",
    ])
    func `what is no chunk is refused, whole and byte by byte`(text: String) {
        let bytes = Array(text.utf8)
        for pieces in [[bytes[...]], bytes.indices.map { bytes[$0...$0] }] {
            var decoder = BodyDecoder(request: .chunked)
            #expect(throws: HTTPError.self) { try Self.decode(&decoder, pieces) }
        }
    }

    @Test func `a chunk line and trailers have an end`() {
        var decoder = BodyDecoder(request: .chunked)
        let extensions = Array("5;\(String(repeating: "x", count: 300))".utf8)
        #expect { try Self.decode(&decoder, [extensions[...]]) } throws: { ($0 as? HTTPError)?.code == .tooLarge }
        var second = BodyDecoder(request: .chunked)
        let trailers = Array("0\r\n\(String(repeating: "X: 1\r\n", count: 2000))".utf8)
        #expect(throws: HTTPError.self) { try Self.decode(&second, [trailers[...]]) }
    }

    @Test func `trailers are kept apart`() throws {
        var decoder = BodyDecoder(request: .chunked)
        _ = try Self.decode(&decoder, [Array("0\r\nContent-Length: 9\r\nX: 1\r\n\r\n".utf8)[...]])
        #expect(decoder.trailers == ["Content-Length": "9", "X": "1"])
    }

    @Test func `a known length ends where it says`() throws {
        var decoder = BodyDecoder(request: .length(5))
        let result = try Self.decode(&decoder, [Array("hel".utf8)[...], Array("loGET".utf8)[...]])
        #expect(result.0.elementsEqual("hello".utf8))
        #expect(result.left == 3)
        #expect(decoder.isDone)
    }

    @Test func `a close ends only what ends with it`() throws {
        var open = BodyDecoder(response: .untilClose)
        _ = try Self.decode(&open, [[1, 2, 3]])
        try open.close()
        #expect(open.isDone)
        for framing in [BodyFraming.length(5), .chunked] {
            var decoder = BodyDecoder(request: framing)
            #expect(throws: HTTPError.self) { try decoder.close() }
        }
    }

    @Test func `an encoder's chunks are read back`() throws {
        var encoder = BodyEncoder.chunked
        var bytes: [UInt8] = []
        try encoder.append(Array("hello".utf8), to: &bytes)
        try encoder.append([], to: &bytes)
        try encoder.append(Array(repeating: 7, count: 300), to: &bytes)
        try encoder.finish(trailers: ["X": "1"], to: &bytes)
        var decoder = BodyDecoder(request: .chunked)
        let result = try Self.decode(&decoder, [bytes[...]])
        #expect(result.0 == Array("hello".utf8) + Array(repeating: 7, count: 300))
        #expect(decoder.trailers == ["X": "1"])
    }

    @Test func `an encoder holds a body to its length`() throws {
        var encoder = BodyEncoder.length(5)
        var bytes: [UInt8] = []
        #expect(throws: HTTPError.self) { try encoder.append(Array("hello!".utf8), to: &bytes) }
        try encoder.append(Array("hell".utf8), to: &bytes)
        #expect(throws: HTTPError.self) { try encoder.finish(trailers: Fields(), to: &bytes) }
        try encoder.append(Array("o".utf8), to: &bytes)
        try encoder.finish(trailers: Fields(), to: &bytes)
        #expect(bytes.elementsEqual("hello".utf8))
    }
}
