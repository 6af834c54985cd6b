// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollHTTPEngine

@Suite struct ResponseParserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let method: Method
        /// Nil: refused.
        let framing: ResponseParser.Framing?
        let keepAlive: Bool

        init(_ text: String, _ framing: ResponseParser.Framing?, keepAlive: Bool = true, to method: Method = .get) {
            self.text = text
            self.method = method
            self.framing = framing
            self.keepAlive = keepAlive
        }

        var testDescription: String { "\(self.method) \(self.text.debugDescription)" }
    }

    static let cases: [Case] = [
        Case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", .length(5)),
        Case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ResponseParser.Framing.none, to: .head),
        Case("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ResponseParser.Framing.none),
        Case("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .chunked),
        Case("HTTP/1.1 200 OK\r\n\r\n", .untilClose, keepAlive: false),
        Case("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", .length(5), keepAlive: false),
        Case("HTTP/1.1 204 No Content\r\n\r\n", ResponseParser.Framing.none),
        Case("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ResponseParser.Framing.none),
        Case("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", .length(1)),
        Case("HTTP/1.1 200 \r\nContent-Length: 1\r\nConnection: close\r\n\r\n", .length(1), keepAlive: false),
        Case("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", .length(1)),
        Case("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", ResponseParser.Framing.none),
        Case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", nil),
        Case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", nil),
        Case("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", nil),
        Case("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", nil),
        Case("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", nil),
        Case("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", nil),
        Case("HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n", nil),
        Case("HTTP/1.1 200 OK\r\nX : a\r\n\r\n", nil),
        Case("HTTP/1.1 200 O\u{0}K\r\n\r\n", nil),
        Case("HTTP/1.1 20 OK\r\n\r\n", nil),
        Case("HTTP/1.1 099 X\r\n\r\n", nil),
        Case("HTTP/1.1 600 X\r\n\r\n", nil),
        Case("HTTP/1.1 101 Switching Protocols\r\n\r\n", nil),
        Case("HTTP/2 200\r\n\r\n", nil),
        Case("ICY 200 OK\r\n\r\n", nil),
        Case("\r\nHTTP/1.1 200 OK\r\n\r\n", nil),
    ]

    @Test(arguments: cases)
    func `a response head has one reading, in one piece and byte by byte`(test: Case) {
        let bytes = Array(test.text.utf8)
        for pieces in [[bytes[...]], bytes.indices.map { bytes[$0...$0] }] {
            var parser = ResponseParser(to: test.method)
            var isWhole = false
            var failure: HTTPError?
            do throws(HTTPError) {
                for piece in pieces where !isWhole { isWhole = try parser.parse(piece.span) != nil }
            } catch {
                failure = error
            }
            #expect((failure != nil) == (test.framing == nil))
            if let framing = test.framing {
                #expect(isWhole)
                #expect(parser.framing == framing)
                #expect(parser.keepAlive == test.keepAlive)
            }
        }
    }

    @Test func `a head over the limit is refused`() {
        var parser = ResponseParser(to: .get, headerBytes: 100)
        let text = "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 100))\r\n\r\n"
        #expect { try parser.parse(Array(text.utf8).span) } throws: { ($0 as? HTTPError)?.code == .tooLarge }
    }
}
