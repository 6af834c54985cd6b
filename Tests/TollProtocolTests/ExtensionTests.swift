// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct ExtensionTests {
    static func identifier(_ text: String) throws -> X402V2.PaymentIdentifier? {
        try X402V2.PaymentIdentifier(extensions: Sample.object(text))
    }

    @Test func `a payment identifier is read from payment and challenge`() throws {
        let given = try Self.identifier(
            #"{"payment-identifier":{"info":{"required":true,"id":"pay_0123456789abcdef"},"schema":{}}}"#
        )
        #expect(given?.required == true && given?.id == "pay_0123456789abcdef")
        let asked = try Self.identifier(#"{"payment-identifier":{"info":{"required":false}}}"#)
        #expect(asked?.required == false && asked?.id == nil)
        let silent = try Self.identifier(#"{"payment-identifier":{"info":{"id":null}}}"#)
        #expect(silent?.required == false && silent?.id == nil)
        #expect(try Self.identifier(#"{"other":{}}"#) == nil)
        #expect(try X402V2.PaymentIdentifier(extensions: nil) == nil)
    }

    @Test(arguments: [
        (#"{"payment-identifier":1}"#, "extensions.payment-identifier"),
        (#"{"payment-identifier":{}}"#, "extensions.payment-identifier.info"),
        (#"{"payment-identifier":{"info":[]}}"#, "extensions.payment-identifier.info"),
        (#"{"payment-identifier":{"info":{"id":1}}}"#, "extensions.payment-identifier.info.id"),
        (#"{"payment-identifier":{"info":{"id":"short"}}}"#, "extensions.payment-identifier.info.id"),
        (#"{"payment-identifier":{"info":{"required":"yes"}}}"#, "extensions.payment-identifier.info.required"),
    ])
    func `a malformed one is an error`(text: String, path: String) throws {
        let object = try Sample.object(text)
        #expect(Sample.error { () throws(WireError) in _ = try X402V2.PaymentIdentifier(extensions: object) }?.path == path)
    }

    private static let offered = #"{"a":{"info":{"required":true,"nonce":"1","uri":"u","list":[1]},"schema":{}},"b":{"info":{}}}"#

    @Test(
        arguments: [
            ("null", nil), ("{}", nil), (#"{"c":{"info":{}}}"#, nil), (#"{"b":{"info":{"more":1}}}"#, nil),
            (#"{"a":{"info":{"list":[1],"required":true,"id":"x"}}}"#, nil),
            (#"{"a":{"info":{"required":true,"nonce":"2","uri":"v","list":[1]}}}"#, nil),
            (#"{"a":{"info":{"required":false,"list":[1]}}}"#, "extensions.a.info.required"),
            (#"{"a":{"info":{"required":true,"list":[1,2]}}}"#, "extensions.a.info.list"),
            (#"{"a":{"info":{"required":true}}}"#, "extensions.a.info.list"),
            (#"{"a":{}}"#, "extensions.a.info.required"), (#"{"a":null}"#, "extensions.a.info.required"),
        ] as [(String, String?)])
    func `what a client gives back of an extension has all that the server said`(echoed: String, lost: String?) throws {
        let offered = try Sample.object(Self.offered)
        let echoed = echoed == "null" ? nil : try Sample.object(echoed)
        #expect(X402V2.ExtensionEcho.mismatch(echoed, of: offered) == lost)
        #expect(X402V2.ExtensionEcho.mismatch(echoed, of: nil) == nil)
    }

    @Test func `a description of another path is given back for nothing that matters`() throws {
        let offered = try Sample.object(#"{"bazaar": {"info": {"input": {"pathParams": {"city": "paris"}}}}}"#)
        let echoed = try Sample.object(#"{"bazaar": {"info": {"input": {"pathParams": {"city": "rome"}}}}}"#)
        #expect(X402V2.ExtensionEcho.mismatch(echoed, of: offered) == nil)
    }

    @Test func `an identifier has 16 to 128 of the allowed characters`() {
        for count in [16, 17, 128] { #expect(X402V2.PaymentIdentifier.isValid(String(repeating: "a", count: count))) }
        for count in [0, 15, 129] { #expect(!X402V2.PaymentIdentifier.isValid(String(repeating: "a", count: count))) }
        #expect(X402V2.PaymentIdentifier.isValid("ABCXYZabcxyz_-0189"))
        for bad in [" ", "\n", ".", "/", ":", "@", "[", "`", "{", "é", "\0"] {
            #expect(!X402V2.PaymentIdentifier.isValid("0123456789abcdef" + bad))
        }
    }

    @Test(
        arguments: [
            (nil, X402V2.PaymentFlow.authorization), ([:], .authorization), (["paymentFlow": .null], .authorization),
            (["paymentFlow": "authorization"], .authorization), (["paymentFlow": "upfront"], .upfront),
        ] as [(JSONObject?, X402V2.PaymentFlow)]
    )
    func `the payment flow is read`(extra: JSONObject?, flow: X402V2.PaymentFlow) throws {
        #expect(try Sample.requirements(extra: extra).paymentFlow() == flow)
    }

    @Test(
        arguments: [("escrow", WireError.Fault.malformed), ("Upfront", .malformed), ("", .malformed), (1, .wrongType)]
            as [(JSON, WireError.Fault)]
    )
    func `an unknown payment flow is an error`(value: JSON, fault: WireError.Fault) {
        let requirements = Sample.requirements(extra: ["paymentFlow": value])
        let error = Sample.error { () throws(WireError) in _ = try requirements.paymentFlow(at: "accepts[0]") }
        #expect(error?.path == "accepts[0].extra.paymentFlow" && error?.fault == fault)
    }
}
