// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct ChallengeTemplateTests {
    /// Challenges whose text before each slot has every length modulo three, with one to four options of different shapes.
    static let challenges: [X402V2.PaymentRequired] = (0..<48).map { shape in
        let extras: [JSONObject?] = [
            nil, [:], ["name": "USDC", "version": "2"], ["challenge": "stale", "name": "USD₮0"], ["a": ["challenge": "inner"]],
        ]
        return X402V2.PaymentRequired(
            error: shape.isMultiple(of: 7) ? nil : "Payment required",
            resource: X402V2.ResourceInfo(url: "https://h/" + String(repeating: "x", count: shape), description: "🍕 \"\\\n"),
            accepts: (0...(shape % 4)).map { Sample.requirements(extra: extras[(shape + $0) % extras.count]) },
            extensions: shape.isMultiple(of: 2) ? nil : ["e": ["info": ["challenge": "kept"], "accepts": [["extra": [:]]]]]
        )
    }

    static let values: [(high: UInt64, low: UInt64, digits: String)] = [
        (0, 0, "00000000000000000000000000000000"), (.max, .max, "ffffffffffffffffffffffffffffffff"),
        (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, "0123456789abcdeffedcba9876543210"),
        (1, 0x8000_0000_0000_0000, "00000000000000018000000000000000"),
    ]

    static func expected(_ challenge: X402V2.PaymentRequired, _ digits: String) -> JSONObject {
        var json = challenge.json
        let options = challenge.accepts.map { option -> JSON in
            var extra = option.extra ?? [:]
            extra["challenge"] = nil
            extra["challenge"] = .string(digits)
            var json = option.json
            json["extra"] = .object(extra)
            return .object(json)
        }
        json["accepts"] = .array(options)
        return json
    }

    @Test(arguments: challenges.indices)
    func `filling sets every option's challenge and changes nothing else`(shape: Int) throws {
        let challenge = Self.challenges[shape]
        let template = X402V2.ChallengeTemplate(challenge)
        #expect(template.slots.count == challenge.accepts.count)
        for value in Self.values {
            var text = template.base64
            template.fill(high: value.high, low: value.low, into: &text, at: 0)
            let decoded = try PaymentHeader.decode(String(decoding: text, as: UTF8.self))
            let expected = Self.expected(challenge, value.digits)
            #expect(decoded == expected)
            #expect(JSON.object(decoded).text == JSON.object(expected).text)
            let changed = zip(text, template.base64).enumerated().filter { $0.element.0 != $0.element.1 }.map(\.offset)
            #expect(changed.allSatisfy { index in template.slots.contains { ($0..<$0 + 44).contains(index) } })
        }
    }

    @Test(arguments: 0..<6)
    func `filling in a larger buffer leaves the rest alone`(shape: Int) throws {
        let template = X402V2.ChallengeTemplate(Self.challenges[shape])
        let (before, after) = (Array("PAYMENT-REQUIRED: ".utf8), Array("\r\n\r\n".utf8))
        var buffer = before + template.base64 + after
        template.fill(high: .max, low: 1, into: &buffer, at: before.count)
        template.fill(high: 2, low: 3, into: &buffer, at: before.count)
        #expect(buffer.starts(with: before) && buffer.suffix(4) == after[...])
        let text = String(decoding: buffer.dropFirst(before.count).dropLast(4), as: UTF8.self)
        let filled = try X402V2.PaymentRequired(headerValue: text)
        for option in filled.accepts {
            #expect(option.challenge == [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3])
        }
    }

    @Test func `the shapes cover every alignment`() {
        let paddings = Self.challenges.flatMap { challenge -> [Int] in
            let text = String(decoding: Base64.decode(X402V2.ChallengeTemplate(challenge).base64[...]) ?? [], as: UTF8.self)
            return text.split(separator: "\"challenge\":").dropFirst().map { $0.prefix { $0 == " " }.count }
        }
        #expect(Set(paddings) == [0, 1, 2])
    }

    @Test func `a template is valid before it is filled, and one without options has no slot`() throws {
        let template = X402V2.ChallengeTemplate(Self.challenges[3])
        let text = String(decoding: template.base64, as: UTF8.self)
        #expect(try PaymentHeader.decode(text) == Self.expected(Self.challenges[3], String(repeating: "0", count: 32)))
        let none = X402V2.PaymentRequired(resource: nil, accepts: [])
        #expect(X402V2.ChallengeTemplate(none).slots.isEmpty)
        #expect(String(decoding: X402V2.ChallengeTemplate(none).base64, as: UTF8.self) == none.headerValue)
    }

    @Test func `what a client gives back of it matches what was offered`() throws {
        let challenge = Self.challenges[10]
        let template = X402V2.ChallengeTemplate(challenge)
        var text = template.base64
        template.fill(high: 7, low: 9, into: &text, at: 0)
        let received = try X402V2.PaymentRequired(headerValue: String(decoding: text, as: UTF8.self))
        for (offered, accepted) in zip(challenge.accepts, received.accepts) {
            #expect(offered.matches(accepted: accepted))
            #expect(accepted.challenge?.count == 16)
        }
        #expect(received.accepts.count == challenge.accepts.count)
    }
}
