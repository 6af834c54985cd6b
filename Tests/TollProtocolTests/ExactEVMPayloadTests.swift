// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct ExactEVMPayloadTests {
    static func payload(_ member: String, _ value: JSON) throws -> ExactEVMPayload {
        var json = try BuildingTests.firstPayload().payload
        if member == "signature" {
            json[member] = value
        } else {
            var authorization = try #require(json["authorization"]?.object)
            authorization[member] = value
            json["authorization"] = .object(authorization)
        }
        return try ExactEVMPayload(json)
    }

    @Test(arguments: [1, 64, 65, 66, 224, 16384]) func `a signature of any length up to the limit is read`(count: Int) throws {
        let digits = String(repeating: "aB", count: count)
        for text in [digits, "0x" + digits] {
            let payload = try Self.payload("signature", .string(text))
            #expect(payload.signature == [UInt8](repeating: 0xAB, count: count))
            #expect(payload.signatureText == text)
        }
    }

    @Test(arguments: [JSON.string("1740672089"), .number("1740672089")])
    func `times may be numbers and stay as they came`(value: JSON) throws {
        let payload = try Self.payload("validAfter", value)
        #expect(payload.authorization.validAfter == 1_740_672_089)
        #expect(payload.authorization.json["validAfter"] == value)
    }

    @Test func `the greatest numbers are read`() throws {
        let payload = try Self.payload("validBefore", .string(UInt256.max.description))
        #expect(payload.authorization.validBefore == .max)
        #expect(try Self.payload("value", .string(UInt256.max.description)).authorization.value == .max)
        #expect(throws: WireError.self) {
            try Self.payload("value", "115792089237316195423570985008687907853269984665640564039457584007913129639936")
        }
    }

    @Test(arguments: [Sample.payer, Sample.payer.lowercased(), "0x" + Sample.payer.dropFirst(2).uppercased()])
    func `addresses are read in any case and stay as they came`(text: String) throws {
        #expect(try Self.payload("from", .string(text)).authorization.from == text)
    }

    @Test func `unknown members are kept`() throws {
        let payload = try Self.payload("__proto__", ["polluted": true])
        #expect(payload.authorization.json["__proto__"] == ["polluted": true])
        #expect(payload.json["authorization"] == .object(payload.authorization.json))
    }
}
