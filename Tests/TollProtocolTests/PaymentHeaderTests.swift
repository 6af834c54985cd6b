// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct PaymentHeaderTests {
    static func error(_ text: String, sizeMax: Int = PaymentHeader.sizeMax) -> WireError? {
        Sample.error { () throws(WireError) in _ = try PaymentHeader.decode(text, sizeMax: sizeMax) }
    }

    /// `{"a":"~~~???"}`, whose base64 has both characters in which the alphabets differ.
    @Test(arguments: [
        "eyJhIjoifn5+Pz8/In0=", "eyJhIjoifn5+Pz8/In0", "eyJhIjoifn5-Pz8_In0=", "eyJhIjoifn5-Pz8_In0",
    ])
    func `both alphabets are read, padded or not`(text: String) throws {
        #expect(try PaymentHeader.decode(text) == ["a": "~~~???"])
    }

    @Test(arguments: [
        ("{\"a\":1}", WireError.Fault.notBase64), ("eyJhIjoifn5+Pz8_In0=", .notBase64), ("eyJhIjoxfQ=", .notBase64),
        ("eyJh IjoxfQ==", .notBase64), ("eyJhIjoxfQ==, eyJhIjoxfQ==", .notBase64), ("🍕", .notBase64),
        ("eyJhIjoxfR==", .notBase64), ("", .notJSON), ("AAAA", .notJSON), ("eyJhIjox", .notJSON), ("/////w==", .notJSON),
        ("W10=", .notObject), ("bnVsbA==", .notObject), ("Mg==", .notObject), ("ImUzMD0i", .notObject),
    ])
    func `what is no base64 of a JSON object is refused with the reason`(text: String, fault: WireError.Fault) throws {
        let error = try #require(Self.error(text))
        #expect(error.fault == fault && error.path.isEmpty)
        #expect(error.description.hasPrefix("the value is"))
    }

    @Test func `a repeated member, deep nesting and bad escapes are no JSON`() {
        let deep = #"{"a":"# + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}"
        for text in [#"{"x402Version":1,"x402Version":2}"#, deep, #"{"a":"\ud800"}"#, "{\"a\":1}\0"] {
            #expect(Self.error(Base64.encode(Array(text.utf8)))?.fault == .notJSON)
        }
    }

    @Test func `the limit counts decoded bytes and is not exceeded by one`() throws {
        func object(of count: Int) -> String {
            Base64.encode(Array("{\"a\":\"".utf8) + [UInt8](repeating: 0x61, count: count - 8) + Array("\"}".utf8))
        }
        for limit in [30, 31, 32, PaymentHeader.sizeMax] {
            #expect(Self.error(object(of: limit), sizeMax: limit) == nil)
            #expect(Self.error(object(of: limit + 1), sizeMax: limit)?.fault == .tooLarge)
        }
        #expect(Self.error(String(repeating: "*", count: 100_000))?.fault == .tooLarge)
        #expect(PaymentHeader.sizeMax == 16384)
    }

    @Test func `a body has its own limit`() {
        let body = Array("{\"isValid\":true}".utf8)
        #expect(Sample.error { () throws(WireError) in _ = try VerifyResponse(body: body, sizeMax: body.count) } == nil)
        let error = Sample.error { () throws(WireError) in _ = try VerifyResponse(body: body, sizeMax: body.count - 1) }
        #expect(error?.fault == .tooLarge)
    }

    @Test(arguments: [
        (#"{"x402Version":1}"#, X402Version.v1), (#"{"x402Version":2,"accepts":[]}"#, .v2),
    ])
    func `the version decides which types to read with`(text: String, version: X402Version) throws {
        #expect(try X402Version(of: Sample.object(text)) == version)
    }

    @Test(arguments: [
        ("{}", WireError.Fault.missing), (#"{"x402Version":null}"#, .missing), (#"{"x402Version":"1"}"#, .wrongType),
        (#"{"x402Version":3}"#, .wrongVersion), (#"{"x402Version":1.0}"#, .wrongVersion),
    ])
    func `an unknown version is refused`(text: String, fault: WireError.Fault) throws {
        let object = try Sample.object(text)
        let error = Sample.error { () throws(WireError) in _ = try X402Version(of: object) }
        #expect(error?.fault == fault && error?.path == "x402Version")
    }

    @Test func `text beyond ASCII is UTF-8 before it is base64`() throws {
        let resource = X402V2.ResourceInfo(url: "https://h/x", description: "café 🍕 \u{202E}")
        let challenge = X402V2.PaymentRequired(resource: resource, accepts: [])
        #expect(try X402V2.PaymentRequired(headerValue: challenge.headerValue).resource?.description == "café 🍕 \u{202E}")
        #expect(challenge.headerValue.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test func `the legacy request carries the header itself`() throws {
        let first = try BuildingTests.firstPayload()
        let requirements = JSON.object(BuildingTests.firstRequirements.json)
        var json: JSONObject = [
            "x402Version": 1, "paymentHeader": .string(first.headerValue), "paymentRequirements": requirements,
        ]
        let request = try X402V1.FacilitatorRequest(json)
        #expect(request.paymentPayload == first && request.json == json)
        json["paymentHeader"] = "eyJhIjoxfQ=="
        let version = Sample.error { () throws(WireError) in _ = try X402V1.FacilitatorRequest(json) }
        #expect(version?.path == "paymentHeader.x402Version" && version?.fault == .missing)
        json["paymentHeader"] = "*"
        let garbage = Sample.error { () throws(WireError) in _ = try X402V1.FacilitatorRequest(json) }
        #expect(garbage?.path == "paymentHeader" && garbage?.fault == .notBase64)
        json["paymentHeader"] = 7
        let number = Sample.error { () throws(WireError) in _ = try X402V1.FacilitatorRequest(json) }
        #expect(number?.path == "paymentHeader" && number?.fault == .wrongType)
    }
}
