// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollHTTPEngine

@Suite struct FieldsTests {
    @Test func `fields keep order, case and repeats, and are found in any case`() {
        let fields: Fields = ["X-One": "1", "x-two": "2", "X-ONE": "3"]
        #expect(fields.count == 3)
        #expect(fields.firstText("x-one") == "1")
        #expect(fields.count(of: "x-one") == 2)
        #expect(fields.values(of: "x-one").map { String(decoding: $0, as: UTF8.self) } == ["1", "3"])
        #expect(fields.map { String(decoding: $0.name, as: UTF8.self) } == ["X-One", "x-two", "X-ONE"])
        #expect(!fields.contains("x-three"))
    }

    @Test(arguments: ["a\r\nX: 1", "a\nb", "a\rb", "a\u{0}b", " a", "a ", "a\t", "\u{7F}"])
    func `a value that cannot be sent is not taken`(value: String) {
        var fields: Fields = ["X": "1"]
        let taken = [fields.append("Y", value), fields.append("Y", Array(value.utf8)), fields.set("x", value)]
        #expect(taken == [false, false, false])
        #expect(fields == ["X": "1"])
    }

    @Test(arguments: ["", "a b", "a:", "é", "a\r\n"])
    func `a name that is no token is not taken`(name: String) {
        var fields = Fields()
        let taken = fields.append(name, "1")
        #expect(!taken)
        #expect(fields.isEmpty)
        #expect(FieldName(name) == nil)
    }

    @Test func `fields are set and removed`() {
        var fields: Fields = ["A": "1", "B": "2", "a": "3"]
        fields.set("a", "4")
        #expect(fields == ["B": "2", "a": "4"])
        fields.remove("b")
        #expect(fields == ["a": "4"])
        fields.removeAll { $0.elementsEqual("a".utf8) }
        #expect(fields.isEmpty)
    }

    @Test func `a connection's own fields are removed, those it names too`() {
        var fields: Fields = [
            "Connection": "close, X-Hop", "x-hop": "1", "Keep-Alive": "5", "TE": "trailers", "Trailer": "A", "Upgrade": "h2c",
            "Proxy-Connection": "x", "Transfer-Encoding": "chunked", "Content-Length": "1", "X-End": "1",
        ]
        fields.removeHopByHop()
        #expect(fields == ["X-End": "1"])
    }

    @Test func `what is appended without a connection's own fields is what removing them leaves`() {
        var fields: Fields = ["Connection": "close, X-Hop", "A": "1", "x-hop": "1", "b": "2", "Keep-Alive": "5", "C": "3"]
        var copy: Fields = ["X": "0"]
        copy.append(endToEnd: fields, roomFor: 1, byteCount: 8) { $0[0] == UInt8(ascii: "b") }
        fields.removeHopByHop { $0[0] == UInt8(ascii: "b") }
        #expect(fields == ["A": "1", "C": "3"])
        #expect(copy == ["X": "0", "A": "1", "C": "3"])
        var written: [UInt8] = []
        written.append(fields: copy)
        #expect(String(decoding: written, as: UTF8.self) == "X: 0\r\nA: 1\r\nC: 3\r\n")
    }

    @Test func `a value is written where it stands, up to the room that was asked for`() {
        var fields: Fields = ["A": "1"]
        fields.appendParsed(name: "B", room: 3) { $0.append(literal: "two") }
        fields.appendParsed(name: "B", room: 3) { _ in }
        fields.appendParsed(name: "C", value: "3".utf8Span.span)
        fields.appendParsed(name: "D".utf8Span.span, value: "4".utf8Span.span)
        #expect(fields == ["A": "1", "B": "two", "B": "", "C": "3", "D": "4"])
        fields.remove("B")
        var written: [UInt8] = []
        written.append(fields: fields)
        #expect(String(decoding: written, as: UTF8.self) == "A: 1\r\nC: 3\r\nD: 4\r\n")
    }

    @Test func `more than there is room for is not written`() async {
        await #expect(processExitsWith: .failure) {
            var fields = Fields()
            fields.appendParsed(name: "A", room: 3) { $0.append(literal: "more than that") }
        }
    }

    @Test func `fields are written line by line, whatever was removed between them`() {
        var fields: Fields = ["A": "1", "B": "2", "C": "", "D": "4"]
        fields.remove("b")
        fields.append(contentsOf: ["E": "5"])
        var bytes: [UInt8] = []
        bytes.append(fields: fields)
        #expect(String(decoding: bytes, as: UTF8.self) == "A: 1\r\nC: \r\nD: 4\r\nE: 5\r\n")
        #expect(fields.byteCount == 7)
    }

    @Test func `names are found in a set in any case, and no others`() {
        let names = FieldNameSet([.host, "x-one", "x-two"])
        let candidates = ["Host", "X-One", "x-TWO", "", "hos", "hose", "x-six", "x-one-more"]
        #expect(candidates.filter { names.contains($0.utf8Span.span) } == ["Host", "X-One", "x-TWO"])
    }

    @Test func `a list's members are found`() {
        let fields: Fields = ["Connection": "a ,\tClose", "connection": "upgrade"]
        #expect(fields.listContains(.connection, "close"))
        #expect(fields.listContains(.connection, "upgrade"))
        #expect(!fields.listContains(.connection, "clos"))
    }

    @Test func `a description shows no value`() {
        let fields: Fields = ["Authorization": "secret"]
        #expect(!"\(fields)".contains("secret"))
    }
}

@Suite struct URLTests {
    @Test(arguments: [
        ("http://example.com", "http://example.com/", 80), ("HTTPS://Example.COM:443/a?b", "https://example.com/a?b", 443),
        ("http://127.0.0.1:8080/%2e%2e/", "http://127.0.0.1:8080/%2e%2e/", 8080), ("http://[::1]:81?q", "http://[::1]:81/?q", 81),
    ])
    func `a URL is taken apart and its target left alone`(text: String, printed: String, port: UInt16) throws {
        let parts = try URLParts(parsing: text)
        #expect(parts.description == printed)
        #expect(parts.origin.port == port)
    }

    @Test(arguments: [
        "", "example.com", "ftp://h/", "http://", "http:///", "http://u@h/", "http://u:p@h/", "http://h:0/", "http://h:65536/",
        "http://h:/", "http://h:80x/", "http://h/#f", "http://h/a b", "http://h/é", "http://[::1", "http://[x]/", "http://a b/",
    ])
    func `what is no URL to call is refused`(text: String) {
        #expect(throws: URLError.self) { try URLParts(parsing: text) }
    }

    @Test func `an origin has no path`() throws {
        #expect(try Origin(parsing: "https://h/").authority == "h")
        #expect(throws: URLError.self) { try Origin(parsing: "https://h/x") }
    }
}

@Suite struct SerializerTests {
    @Test func `a response is written with its framing`() {
        let head = ResponseHead(status: 402, fields: ["A": "1"])
        let bytes = ResponseSerializer.bytes(head, body: Array("pay".utf8), date: Array("D".utf8))
        let text = "HTTP/1.1 402 Payment Required\r\nDate: D\r\nA: 1\r\nContent-Length: 3\r\n\r\npay"
        #expect(bytes.elementsEqual(text.utf8))
        let bodyless = ResponseSerializer.bytes(ResponseHead(status: 304), body: [1])
        #expect(bodyless.elementsEqual("HTTP/1.1 304 Not Modified\r\n\r\n".utf8))
    }

    @Test func `a request is written with its target as it is`() {
        var bytes: [UInt8] = []
        let target = Array("/%zz//?".utf8)
        RequestSerializer.append(.post, target: target, host: "h:1", fields: ["A": "1"], framing: .chunked, to: &bytes)
        #expect(bytes.elementsEqual("POST /%zz//? HTTP/1.1\r\nHost: h:1\r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n".utf8))
    }

    @Test(arguments: [(0, "0"), (7, "7"), (10, "10"), (UInt64.max, "18446744073709551615")])
    func `lengths are written in decimal`(number: UInt64, text: String) {
        var bytes: [UInt8] = [0x2D]
        ResponseSerializer.append(ResponseHead(status: 200), framing: .length(number), date: nil, close: true, to: &bytes)
        #expect(bytes.elementsEqual("-HTTP/1.1 200 OK\r\nContent-Length: \(text)\r\nConnection: close\r\n\r\n".utf8))
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    ])
    func `a date is an IMF-fixdate`(seconds: Int64, text: String) {
        // The first is the example of RFC 9110 §5.6.7.
        #expect(HTTPDate.text(seconds).elementsEqual(text.utf8))
    }

    @Test func `random words are given out once`() {
        var answer = ImmediateAnswer(dateField: []) { words in
            for index in words.indices { words[index] += UInt64(index) + 1 }
        }
        let pairs = (0..<257).map { _ in answer.nextRandom16() }
        #expect(pairs[0] == (1, 2))
        #expect(pairs[1] == (3, 4))
        #expect(pairs[255] == (511, 512))
        #expect(pairs[256] == (1, 2))
    }
}
