// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct MatchingTests {
    static func accepted(_ member: String, _ value: JSON?) throws -> X402V2.PaymentRequirements {
        var json = Sample.requirements().json
        json[member] = value
        return try X402V2.PaymentRequirements(json)
    }

    @Test func `what was offered matches, whatever stands beside it`() throws {
        #expect(Sample.requirements().matches(accepted: Sample.requirements()))
        #expect(try Sample.requirements().matches(accepted: Self.accepted("outputSchema", [:])))
        for extra: JSON in [
            ["version": "2", "name": "USDC"], ["name": "USDC", "version": "2", "challenge": "ab", "more": [1]],
        ] {
            #expect(try Sample.requirements().matches(accepted: Self.accepted("extra", extra)))
        }
        #expect(try Sample.requirements(extra: nil).matches(accepted: Self.accepted("extra", nil)))
    }

    @Test(
        arguments: [
            ("scheme", "upto", "scheme"), ("network", "eip155:8453", "network"), ("amount", "9999", "amount"),
            ("asset", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "asset"), ("payTo", .string(Sample.payer), "payTo"),
            ("maxTimeoutSeconds", 301, "maxTimeoutSeconds"), ("extra", nil, "extra.name"), ("extra", [:], "extra.name"),
            ("extra", ["name": "USDC"], "extra.version"), ("extra", ["name": "USDC", "version": 2], "extra.version"),
            ("extra", ["name": "usdc", "version": "2"], "extra.name"), ("payTo", .string(Sample.payee + "0"), "payTo"),
        ] as [(String, JSON?, String)]
    )
    func `what differs is named`(member: String, value: JSON?, named: String) throws {
        #expect(try Sample.requirements().mismatch(accepted: Self.accepted(member, value)) == named)
    }

    @Test func `addresses of EVM chains match in any case`() throws {
        for (member, text) in [("asset", Sample.usdc), ("payTo", Sample.payee)] {
            #expect(try Sample.requirements().matches(accepted: Self.accepted(member, .string(text.lowercased()))))
        }
    }

    @Test(arguments: [("asset", "EPJF"), ("asset", "EPjF\u{301}"), ("payTo", "\u{212A}ey"), ("payTo", "key")])
    func `addresses of other chains match byte by byte`(member: String, text: String) throws {
        let chain = try #require(ChainID("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"))
        let ours = X402V2.PaymentRequirements(
            scheme: "exact",
            network: chain,
            asset: "EPjF",
            amount: 1,
            payTo: "Key",
            maxTimeoutSeconds: 60
        )
        var json = ours.json
        #expect(ours.matches(accepted: ours))
        json[member] = .string(text)
        #expect(try ours.mismatch(accepted: X402V2.PaymentRequirements(json)) == member)
    }

    @Test func `a role's name in place of an EVM address matches byte by byte`() throws {
        let ours = X402V2.PaymentRequirements(
            scheme: "exact",
            network: Sample.chain,
            asset: Sample.usdc,
            amount: 1,
            payTo: "merchant",
            maxTimeoutSeconds: 60
        )
        var json = ours.json
        json["payTo"] = "Merchant"
        #expect(try ours.mismatch(accepted: X402V2.PaymentRequirements(json)) == "payTo")
    }

    @Test func `the challenge is not compared, and whatever else is to be ignored`() throws {
        let ours = Sample.requirements(extra: ["name": "USDC", "challenge": "00", "feePayer": ["a": [1, 2]]])
        let theirs = try Self.accepted("extra", ["name": "USDC", "feePayer": ["a": [1, 2]]])
        #expect(ours.matches(accepted: theirs))
        #expect(ours.mismatch(accepted: theirs, ignoring: []) == "extra.challenge")
        #expect(ours.mismatch(accepted: Sample.requirements(), ignoring: ["challenge"]) == "extra.feePayer")
        #expect(ours.matches(accepted: Sample.requirements(), ignoring: ["challenge", "feePayer"]))
    }

    @Test(arguments: [
        ("000102030405060708090a0b0c0d0e0f", true), ("000102030405060708090A0B0C0D0E0F", true),
        ("0x0102030405060708090a0b0c0d0e0f", false), ("000102030405060708090a0b0c0d0e", false),
        ("000102030405060708090a0b0c0d0e0f00", false), ("000102030405060708090a0b0c0d0e0g", false), ("", false),
    ])
    func `the secret is sixteen bytes in hexadecimal digits`(text: String, isRead: Bool) {
        let requirements = Sample.requirements(extra: ["challenge": .string(text)])
        #expect(requirements.challenge == (isRead ? (0..<16).map { UInt8($0) } : nil))
    }

    @Test func `no secret is none`() {
        #expect(Sample.requirements(extra: nil).challenge == nil)
        #expect(Sample.requirements(extra: ["challenge": 1]).challenge == nil)
    }

    @Test func `without its secrets a payment is what was configured`() throws {
        let bare = try BuildingTests.exactPayload(validAfter: 0, validBefore: 1).json
        let payload = X402V2.PaymentPayload(
            accepted: Sample.requirements(extra: ["name": "USDC", "challenge": "00", "version": "2"]),
            payload: bare,
            extensions: ["payment-identifier": ["info": ["id": "x"]], "other": ["info": [:]]]
        )
        let stripped = payload.withoutSecrets()
        #expect(
            stripped
                == X402V2.PaymentPayload(accepted: Sample.requirements(), payload: bare, extensions: ["other": ["info": [:]]])
        )
        #expect(stripped.headerValue.utf8.count < payload.headerValue.utf8.count)
        #expect(try X402V2.PaymentPayload(stripped.json) == stripped)
    }

    @Test func `what held nothing but secrets goes with them`() throws {
        let payload = X402V2.PaymentPayload(
            accepted: Sample.requirements(extra: ["challenge": "00"]),
            payload: [:],
            extensions: ["payment-identifier": ["info": ["id": "x"]]]
        )
        #expect(payload.withoutSecrets() == X402V2.PaymentPayload(accepted: Sample.requirements(extra: nil), payload: [:]))
        let plain = X402V2.PaymentPayload(accepted: Sample.requirements(extra: nil), payload: [:])
        #expect(plain.withoutSecrets() == plain)
    }
}
