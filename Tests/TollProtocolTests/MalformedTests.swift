// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

/// Each case spoils one member of a good example; the error must name that member and what kind of mistake it is.
@Suite struct MalformedTests {
    struct Spoiled: Sendable, CustomTestStringConvertible {
        let path: [String]
        let value: JSON?
        let fault: WireError.Fault
        let reported: String
        var testDescription: String { "\(self.path.joined(separator: ".")) = \(self.value?.text.prefix(30) ?? "nothing")" }

        init(_ path: String, _ value: JSON?, _ fault: WireError.Fault, reported: String? = nil) {
            self.path = path.split(separator: ".").map(String.init)
            self.value = value
            self.fault = fault
            self.reported = reported ?? path
        }
    }

    static func spoil(_ json: JSON, _ path: ArraySlice<String>, _ value: JSON?) -> JSON? {
        guard let name = path.first else { return value }
        if let index = Int(name), var elements = json.array {
            elements[index] = spoil(elements[index], path.dropFirst(), value) ?? .null
            return .array(elements)
        }
        var object = json.object ?? [:]
        object[name] = spoil(object[name] ?? .null, path.dropFirst(), value)
        return .object(object)
    }

    static func error(_ type: String, _ spoiled: Spoiled) throws -> WireError? {
        let text = try BuildingTests.example(type)
        let json = spoil(try JSON(parsing: text), spoiled.path[...], spoiled.value)
        do {
            let kept = try Vectors.reread(try #require(json?.object), as: type)
            if type == "v2.PaymentPayload" { _ = try X402V2.PaymentPayload(kept).exactEVM() }
            return nil
        } catch let error as WireError {
            return error
        }
    }

    static let payments: [Spoiled] = [
        Spoiled("x402Version", nil, .missing), Spoiled("x402Version", 1, .wrongVersion), Spoiled("x402Version", 3, .wrongVersion),
        Spoiled("x402Version", .number("2.0"), .wrongVersion), Spoiled("x402Version", "2", .wrongType),
        Spoiled("resource", "https://h/x", .wrongType), Spoiled("resource.url", nil, .missing),
        Spoiled("resource.url", 1, .wrongType),
        Spoiled("accepted", nil, .missing), Spoiled("accepted", .null, .missing), Spoiled("accepted", [], .wrongType),
        Spoiled("accepted.scheme", nil, .missing), Spoiled("accepted.scheme", 1, .wrongType),
        Spoiled("accepted.network", "base-sepolia", .malformed), Spoiled("accepted.network", 84532, .wrongType),
        Spoiled("accepted.amount", 10000, .wrongType), Spoiled("accepted.amount", "0.01", .malformed),
        Spoiled("accepted.amount", "-1", .malformed), Spoiled("accepted.amount", "010", .malformed),
        Spoiled("accepted.amount", .string(String(repeating: "9", count: 78)), .malformed),
        Spoiled("accepted.asset", nil, .missing), Spoiled("accepted.payTo", false, .wrongType),
        Spoiled("accepted.maxTimeoutSeconds", "300", .wrongType), Spoiled("accepted.maxTimeoutSeconds", -1, .malformed),
        Spoiled("accepted.maxTimeoutSeconds", .number("1.5"), .malformed),
        Spoiled("accepted.maxTimeoutSeconds", .number("99999999999999999999"), .malformed),
        Spoiled("accepted.extra", "x", .wrongType), Spoiled("extensions", [], .wrongType),
        Spoiled("payload", nil, .missing), Spoiled("payload", "0x", .wrongType),
        Spoiled("payload.signature", nil, .missing), Spoiled("payload.signature", "", .malformed),
        Spoiled("payload.signature", "0x", .malformed), Spoiled("payload.signature", "0x123", .malformed),
        Spoiled("payload.signature", "0xzz", .malformed), Spoiled("payload.signature", 1, .wrongType),
        Spoiled("payload.signature", .string("0x" + String(repeating: "00", count: 16385)), .malformed),
        Spoiled("payload.signature", .string(String(repeating: "00", count: 16385)), .malformed),
        Spoiled("payload.authorization", nil, .missing), Spoiled("payload.authorization", [], .wrongType),
        Spoiled("payload.authorization.from", nil, .missing), Spoiled("payload.authorization.from", "0x12", .malformed),
        Spoiled("payload.authorization.from", .string(String(Sample.payer.dropFirst(2))), .malformed),
        Spoiled("payload.authorization.to", .string(Sample.payee + "00"), .malformed),
        Spoiled("payload.authorization.to", .string(Sample.payee.dropLast() + "g"), .malformed),
        Spoiled("payload.authorization.to", .number("1"), .wrongType),
        Spoiled("payload.authorization.value", 10000, .wrongType), Spoiled("payload.authorization.value", "1e4", .malformed),
        Spoiled("payload.authorization.value", "0x2710", .malformed), Spoiled("payload.authorization.value", "-5", .malformed),
        Spoiled("payload.authorization.validAfter", nil, .missing), Spoiled("payload.authorization.validAfter", -1, .malformed),
        Spoiled("payload.authorization.validAfter", .number("1e9"), .malformed),
        Spoiled("payload.authorization.validBefore", .number("1.0"), .malformed),
        Spoiled("payload.authorization.validBefore", "soon", .malformed),
        Spoiled("payload.authorization.validBefore", true, .wrongType),
        Spoiled("payload.authorization.nonce", nil, .missing), Spoiled("payload.authorization.nonce", 1, .wrongType),
        Spoiled("payload.authorization.nonce", .string(String(Sample.nonce.dropLast(2))), .malformed),
        Spoiled("payload.authorization.nonce", .string(Sample.nonce + "00"), .malformed),
        Spoiled("payload.authorization.nonce", .string(Sample.nonce.dropLast() + "x"), .malformed),
    ]

    @Test(arguments: payments) func `a v2 payment`(spoiled: Spoiled) throws {
        let error = try #require(try Self.error("v2.PaymentPayload", spoiled))
        #expect(error.path == spoiled.reported && error.fault == spoiled.fault)
        #expect(error.description.hasPrefix(error.path + " ") && error.description.contains("; expected "))
    }

    @Test(arguments: [
        ("v1.PaymentPayload", Spoiled("x402Version", 2, .wrongVersion)), ("v1.PaymentPayload", Spoiled("network", nil, .missing)),
        ("v1.PaymentPayload", Spoiled("scheme", [:], .wrongType)), ("v1.PaymentPayload", Spoiled("payload", .null, .missing)),
        ("v1.PaymentRequired", Spoiled("x402Version", 2, .wrongVersion)),
        ("v1.PaymentRequired", Spoiled("accepts", nil, .missing)),
        ("v1.PaymentRequired", Spoiled("error", 1, .wrongType)), ("v2.PaymentRequired", Spoiled("accepts", [:], .wrongType)),
        ("v2.PaymentRequired", Spoiled("x402Version", 1, .wrongVersion)),
        ("v2.PaymentRequired", Spoiled("error", 402, .wrongType)),
        ("v2.PaymentRequired", Spoiled("resource.description", 1, .wrongType)),
        ("v1.FacilitatorRequest", Spoiled("paymentPayload", nil, .missing)),
        ("v1.FacilitatorRequest", Spoiled("paymentPayload.x402Version", 2, .wrongVersion)),
        ("v1.FacilitatorRequest", Spoiled("paymentRequirements.maxAmountRequired", 1, .wrongType)),
        ("v1.FacilitatorRequest", Spoiled("paymentRequirements.outputSchema", "x", .wrongType)),
        ("v1.FacilitatorRequest", Spoiled("paymentRequirements.resource", nil, .missing)),
        ("v2.FacilitatorRequest", Spoiled("x402Version", 1, .wrongVersion)),
        ("v2.FacilitatorRequest", Spoiled("paymentPayload.accepted.amount", 1, .wrongType)),
        ("v2.FacilitatorRequest", Spoiled("paymentRequirements.network", "eip155:*", .malformed)),
        ("SupportedResponse", Spoiled("kinds", nil, .missing)), ("SupportedResponse", Spoiled("extensions", [1], .wrongType)),
        ("SupportedResponse", Spoiled("signers", [], .wrongType)),
    ])
    func `other objects`(type: String, spoiled: Spoiled) throws {
        let error = try #require(try Self.error(type, spoiled))
        #expect(error.path == spoiled.reported && error.fault == spoiled.fault)
    }

    @Test(arguments: [
        (#"{"transaction":"","network":"n"}"#, "success"), (#"{"success":"true","transaction":"","network":"n"}"#, "success"),
        (#"{"success":true,"network":"n"}"#, "transaction"), (#"{"success":true,"transaction":"0x"}"#, "network"),
        (#"{"success":false,"errorReason":1}"#, "errorReason"), (#"{"success":false,"extra":[]}"#, "extra"),
    ])
    func `a receipt`(text: String, path: String) throws {
        let object = try Sample.object(text)
        #expect(Sample.error { () throws(WireError) in _ = try SettlementResponse(object) }?.path == path)
    }

    @Test func `a failure may leave out what never was`() throws {
        let receipt = try SettlementResponse(Sample.object(#"{"success":false,"payer":null}"#))
        #expect(receipt.transaction.isEmpty && receipt.network.isEmpty && receipt.payer == nil)
        #expect(Sample.error { () throws(WireError) in _ = try VerifyResponse([:]) }?.path == "isValid")
    }

    @Test func `an option that cannot be read is set aside with its path`() throws {
        let text = try BuildingTests.example("v2.PaymentRequired")
        let good = try #require(try JSON(parsing: text)["accepts"]?.array?.first)
        let alien = Self.spoil(good, ["network"], "cloudflare:402")
        let broken = Self.spoil(good, ["amount"], 5)
        var object = try Sample.object(text)
        object["accepts"] = .array([try #require(alien), good, "x", try #require(broken)])
        let challenge = try X402V2.PaymentRequired(object)
        #expect(challenge.accepts.map(\.json) == [good.object])
        #expect(challenge.unreadable.map(\.path) == ["accepts[0].network", "accepts[2]", "accepts[3].amount"])
        #expect(challenge.json == object)
    }

    @Test func `what is only for directories never fails a payment`() throws {
        let resource = try X402V2.ResourceInfo(Sample.object(#"{"url":"u","serviceName":1,"tags":["a",2],"iconUrl":{}}"#))
        #expect(resource.serviceName == nil && resource.tags == nil && resource.iconURL == nil)
    }

    @Test func `an error never quotes the value`() throws {
        let secret = Spoiled("payload.authorization.nonce", "0xSECRET", .malformed)
        let error = try #require(try Self.error("v2.PaymentPayload", secret))
        #expect(error.description == "payload.authorization.nonce has the wrong form; expected 32 bytes as hexadecimal text")
        let missing = try #require(try Self.error("v2.PaymentPayload", Spoiled("accepted.amount", nil, .missing)))
        #expect(
            missing.description
                == "accepted.amount is missing; expected an amount in the smallest unit as a decimal string"
        )
    }
}
