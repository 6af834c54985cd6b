// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "1.50", "1e3", "1E+9", "-12.5e-3", "123456789012345678901234567890", "1e999999999",
        #""""#, "[]", "{}", #"{"b":1,"a":[null,{"c":"d"}],"__proto__":{"x":1},"constructor":"y"}"#, #""café 🍕""#,
    ])
    func `compact text comes back as it was`(text: String) throws {
        #expect(try JSON(parsing: text).text == text)
    }

    @Test(arguments: [
        (#""\u0041\u00e9\ud83c\udf55""#, "Aé🍕"), (#""\/\"\\\b\f\n\r\t""#, "/\"\\\u{8}\u{C}\n\r\t"),
        (#""\u0000\uFFFF""#, "\0\u{FFFF}"),
        ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
    ])
    func `escapes are read`(text: String, value: String) throws {
        let json = try JSON(parsing: text)
        #expect(json.string?.hasSameBytes(as: value) == true)
        #expect(try JSON(parsing: json.text) == json)
    }

    @Test func `only what must be escaped is`() {
        #expect(JSON.string("a/\"\\\u{1}\u{1F}\n\r\t\u{8}\u{C}\u{7F}é").text == #""a/\"\\\u0001\u001f\n\r\t\b\f"# + "\u{7F}é\"")
    }

    @Test func `white space between tokens does not matter`() throws {
        #expect(try JSON(parsing: " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } ") == ["a": [1, 2], "b": [:]])
    }

    @Test(arguments: [
        "", " ", "nul", "True", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity", "[1,]", "[,1]", "[1 2]", "[1",
        "{", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{a:1}", "{'a':1}", #"{"a":1 "b":2}"#, #"""#, #""\"#, #""\x""#, #""\u12""#,
        #""\u12g4""#, #""\ud800""#, #""\ud800\u0041""#, #""\ud800x""#, #""\udc00""#, "\"\n\"", "\"\u{0}\"", "1 2", "{}{}",
        "// a\n1", "\u{FEFF}1", "\u{A0}1",
    ])
    func `what RFC 8259 does not allow is refused`(text: String) {
        #expect(throws: JSON.ParseError.self) { try JSON(parsing: text) }
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
        ] as [[UInt8]]
    )
    func `text that is not UTF-8 is refused`(bytes: [UInt8]) {
        #expect(throws: JSON.ParseError.self) { try JSON(parsing: bytes) }
    }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"x":{"a":1,"b":2,"a":1}}"#, #"{"a":1,"\u0061":2}"#, "{\"\u{E9}\":1,\"e\u{301}\":2}",
    ])
    func `a repeated member name is refused`(text: String) {
        #expect(throws: JSON.ParseError.self) { try JSON(parsing: text) }
    }

    @Test func `sixty-four levels are read, sixty-five are not`() throws {
        func nested(_ depth: Int, _ open: String, _ inner: String, _ close: String) -> String {
            String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
        }
        for text in [nested(64, "[", "", "]"), nested(64, "[", "1", "]"), nested(64, #"{"a":"#, "1", "}")] {
            #expect(try JSON(parsing: text).text == text)
        }
        let error = #expect(throws: JSON.ParseError.self) { try JSON(parsing: nested(65, "[", "", "]")) }
        #expect(error?.description == "nested more than 64 deep at byte 64")
        #expect(throws: JSON.ParseError.self) { try JSON(parsing: nested(1_000_000, "[", "", "")) }
    }

    @Test func `an error names the byte`() {
        let error = #expect(throws: JSON.ParseError.self) { try JSON(parsing: #"{"a": 1.}"#) }
        #expect(error?.description == "a digit is missing at byte 8")
    }

    @Test func `objects are equal in any order, arrays are not`() throws {
        #expect(try JSON(parsing: #"{"a":1,"b":[1,2]}"#) == JSON(parsing: #"{"b":[1,2],"a":1}"#))
        #expect(Set<JSON>([["a": 1, "b": 2], ["b": 2, "a": 1]]).count == 1)
        #expect(([1, 2] as JSON) != [2, 1])
        #expect((["a": 1] as JSON) != ["a": 1, "b": .null])
        #expect((["a": 1, "b": 2] as JSON) != ["a": 1, "c": 2])
    }

    @Test func `numbers and strings are equal by their bytes`() {
        #expect(JSON.number("1.0") != .number("1"))
        #expect(JSON.string("1") != .number("1"))
        #expect(JSON.string("\u{212A}") != .string("K"))
        #expect((["\u{212A}": 1] as JSON)["K"] == nil)
        #expect((["\u{E9}": 1] as JSON) != ["e\u{301}": 1])
    }

    @Test func `members are read, replaced in place, appended and removed`() {
        var object: JSONObject = ["a": 1, "b": 2, "a": 3]
        #expect(JSON.object(object).text == #"{"a":3,"b":2}"#)
        object["a"] = "x"
        object["c"] = true
        object["b"] = nil
        object["none"] = nil
        #expect(JSON.object(object).text == #"{"a":"x","c":true}"#)
        #expect(object.count == 2)
    }

    @Test(
        arguments: [
            ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("9223372036854775808", nil), ("1.0", nil),
            ("1e2", nil), ("-0", 0),
        ] as [(String, Int64?)]
    )
    func `only a plain number that fits is an integer`(text: String, value: Int64?) throws {
        #expect(try JSON(parsing: text).integer == value)
    }
}
