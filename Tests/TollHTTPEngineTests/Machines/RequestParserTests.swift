// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollHTTPEngine
import TollTestKit

@Suite struct RequestParserTests {
    /// Feeds the pieces in order and says what came of it, and how many bytes were the head's.
    static func fate(_ pieces: [ArraySlice<UInt8>], limits: ServerLimits = ServerLimits()) -> (Hazard.Fate, used: Int) {
        var parser = RequestParser(limits: limits)
        var used = 0
        for piece in pieces {
            switch parser.parse(piece.span) {
            case .incomplete: used += piece.count
            case .refused(let refusal): return (.refused(refusal.status, refusal.code), 0)
            case .complete(let consumed):
                let target = String(decoding: parser.head.target, as: UTF8.self)
                return (.accepted(target: target, framing: parser.head.framing), used + consumed)
            }
        }
        return (.incomplete, used)
    }

    static func head(_ text: String) throws -> RequestHead {
        var parser = RequestParser()
        guard case .complete = parser.parse(Array(text.utf8).span) else { throw Unreadable() }
        return parser.head
    }

    struct Unreadable: Error {}

    @Test(arguments: Hazard.corpus)
    func `a hazard has one fate`(hazard: Hazard) {
        #expect(Self.fate([hazard.bytes[...]]).0 == hazard.fate)
    }

    @Test(arguments: Hazard.corpus)
    func `a hazard has the same fate in any two pieces and byte by byte`(hazard: Hazard) {
        let whole = Self.fate([hazard.bytes[...]])
        for split in hazard.bytes.indices {
            let parts = Self.fate([hazard.bytes[..<split], hazard.bytes[split...]])
            #expect(parts == whole, "split at \(split)")
        }
        #expect(Self.fate(hazard.bytes.indices.map { hazard.bytes[$0...$0] }) == whole)
    }

    @Test func `what follows a head is left alone`() {
        let first = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
        let result = Self.fate([Array((first + "GET /2 HTTP/1.1\r\n").utf8)[...]])
        #expect(result.used == first.utf8.count)
    }

    @Test func `a parser is used again and keeps nothing`() throws {
        var parser = RequestParser()
        let first = Array("POST /1?a HTTP/1.0\r\nConnection: close\r\nContent-Length: 7\r\n\r\n".utf8)
        let second = Array("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        guard case .complete = parser.parse(first.span) else { throw Unreadable() }
        parser.reset()
        guard case .complete = parser.parse(second.span) else { throw Unreadable() }
        #expect(parser.head.target.elementsEqual("/2".utf8))
        #expect(parser.head.framing == .none)
        #expect(parser.head.keepAlive)
        #expect(parser.head.query == nil)
        #expect(parser.head.fields.count == 1)
    }

    @Test func `path, query and authority are parts of what was sent`() throws {
        let head = try Self.head("GET /a%2Fb?x?y HTTP/1.1\r\nHost: h:81\r\n\r\n")
        #expect(head.path.elementsEqual("/a%2Fb".utf8))
        #expect(head.query?.elementsEqual("x?y".utf8) == true)
        #expect(head.authority?.elementsEqual("h:81".utf8) == true)
    }

    @Test func `the authority of an absolute target wins over Host`() throws {
        let head = try Self.head("GET http://real:8080/p HTTP/1.1\r\nHost: other\r\n\r\n")
        #expect(head.authority?.elementsEqual("real:8080".utf8) == true)
        #expect(head.target.elementsEqual("/p".utf8))
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false), ("HTTP/1.1", "Connection: x, Close\r\n", false),
        ("HTTP/1.1", "Connection: keep-alive\r\n", true), ("HTTP/1.1", "Connection: closed\r\n", true),
        ("HTTP/1.0", "", false), ("HTTP/1.0", "Connection: keep-alive\r\n", false),
    ])
    func `a connection is kept as RFC 9112 says, and never in 1.0`(version: String, line: String, kept: Bool) throws {
        #expect(try Self.head("GET / \(version)\r\nHost: h\r\n\(line)\r\n").keepAlive == kept)
    }

    @Test func `an expectation without a body is no expectation`() throws {
        #expect(try Self.head("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n").expectsContinue == false)
        #expect(try Self.head("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").expectsContinue)
    }

    @Test func `a head of exactly the limit passes and one byte more does not`() {
        var limits = ServerLimits()
        limits.headerBytes = 200
        let fixed = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n".utf8.count
        for (size, fate) in [(200, Hazard.ok()), (201, .refused(431, "head_too_large"))] {
            let text = "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: size - fixed))\r\n\r\n"
            #expect(Self.fate([Array(text.utf8)[...]], limits: limits).0 == fate)
            #expect(Self.fate(Array(text.utf8).map { [$0][...] }, limits: limits).0 == fate)
        }
    }

    @Test func `a target over the limit is told from fields over it`() {
        var limits = ServerLimits()
        limits.headerBytes = 100
        let long = Array("GET /\(String(repeating: "a", count: 200))".utf8)
        #expect(Self.fate([long[...]], limits: limits).0 == .refused(414, "target_too_long"))
    }

    @Test func `the hundredth field passes and the next does not`() {
        let lines = (0..<99).map { "X-\($0): \($0)\r\n" }.joined()
        let head = "GET / HTTP/1.1\r\nHost: h\r\n"
        #expect(Self.fate([Array("\(head)\(lines)\r\n".utf8)[...]]).0 == Hazard.ok())
        #expect(Self.fate([Array("\(head)\(lines)X: 1\r\n\r\n".utf8)[...]]).0 == .refused(431, "too_many_fields"))
    }

    @Test func `every byte has its place in a name, a value and a target or none`() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        for byte in UInt8.min...UInt8.max {
            #expect(ByteGrammar.isToken(byte) == tokens.contains(byte), "\(byte)")
            #expect(ByteGrammar.isTarget(byte) == (33...126 ~= byte && byte != 35), "\(byte)")
            #expect(ByteGrammar.isValue(byte) == (byte == 9 || (byte >= 32 && byte != 127)), "\(byte)")
        }
    }
}
