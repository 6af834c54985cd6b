// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

@Suite struct InspectionTests {
    private static let good: [String: String] = [
        "Cache-Control": "no-store", "Access-Control-Expose-Headers": "PAYMENT-REQUIRED, PAYMENT-RESPONSE",
    ]

    private func inspect(
        _ accepts: [JSON]?,
        version1: [JSON]? = nil,
        fields: [String: String] = good,
        status: Int = 402,
        resource: String = "https://api.example/weather"
    ) -> OfferInspection {
        var head = ResponseHead(status: status)
        for (name, value) in fields { head.fields.append(name, value) }
        if let accepts {
            let object: JSONObject = ["x402Version": 2, "resource": ["url": .string(resource)], "accepts": .array(accepts)]
            head.fields.append("PAYMENT-REQUIRED", PaymentHeader.encode(object))
        }
        let body = version1.map { JSON.object(["x402Version": 1, "error": "", "accepts": .array($0)]).utf8 } ?? []
        return OfferInspection(head, body: body, from: Market.url, Market.directory, at: Market.now)
    }

    private func first(_ amount: String = "1000", payTo: String = Market.payTo) -> JSON {
        .object([
            "scheme": "exact", "network": "base-sepolia", "maxAmountRequired": .string(amount),
            "resource": "https://api.example/weather",
            "payTo": .string(payTo), "maxTimeoutSeconds": 60, "asset": .string(Market.usdc.address),
            "extra": ["name": "USDC", "version": "2"],
        ])
    }

    @Test func `an offer in both dialects that agrees has nothing wrong`() {
        let inspection = self.inspect([Market.option()], version1: [self.first()])
        #expect(inspection.findings.isEmpty)
        #expect(inspection.rows.map(\.dialect) == ["x402", "x402-v1"])
        #expect(inspection.rows.allSatisfy { $0.review.option?.display == "0.001 USDC" })
    }

    @Test func `what is wrong with an offer is named`() {
        let cases: [(OfferInspection, String)] = [
            (
                self.inspect([Market.option()], version1: [self.first("2000")]),
                "version 1 asks for 0.002 USDC, version 2 for 0.001 USDC"
            ),
            (self.inspect([Market.option()], version1: [self.first(payTo: Market.payer.account)]), "version 1 pays"),
            (self.inspect([Market.option(Market.baseUSDC)], version1: [self.first()]), "in version 1 alone"),
            (self.inspect([Market.option(address: "0x2222222222222222222222222222222222222222")]), "is unknown"),
            (self.inspect([Market.option(extra: ["name": "USD Coin", "version": "2"])]), "the token's is USDC"),
            (self.inspect([Market.option(extra: [:])]), "extra.name is missing"),
            (self.inspect([Market.option(amount: "0")]), "the amount is zero"),
            (self.inspect([Market.option(amount: "1.5")]), "cannot be read"),
            (self.inspect([]), "no way to pay"),
            (self.inspect(nil), "it offers nothing"),
            (self.inspect([Market.option()], status: 200), "not 402"),
            (self.inspect([Market.option()], fields: ["Cache-Control": "no-store"]), "Access-Control-Expose-Headers"),
            (self.inspect([Market.option()], fields: ["Access-Control-Expose-Headers": "*"]), "may be cached"),
            (self.inspect([Market.option()], resource: "https://other.example/weather"), "another origin, https://other.example"),
            (
                self.inspect([
                    Market.option(extra: ["name": "USDC", "version": "2", "x": .string(String(repeating: "x", count: 7_000))])
                ]), "8 KiB"
            ),
        ]
        for (inspection, words) in cases {
            #expect(inspection.findings.contains { $0.contains(words) }, "\(words): \(inspection.findings)")
        }
    }

    @Test func `other ways to get in are named`() {
        var fields = Self.good
        fields["WWW-Authenticate"] = #"Payment id="x", method="tempo""#
        #expect(self.inspect([Market.option()], fields: fields).schemes == ["Payment"])
    }

    // MARK: Transfers

    private func inspect(_ instructions: TransferProof.Instructions, signers: ListedSigners? = nil) throws -> OfferInspection {
        guard case .answer(let status, let fields, let body) = TransferShop.challenge(instructions) else {
            throw HTTPError(.disconnected, "no answer")
        }
        var head = ResponseHead(status: status)
        for (name, value) in fields.merging(Self.good, uniquingKeysWith: { $1 }) { head.fields.append(name, value) }
        return OfferInspection(
            head, body: Array(body.utf8), from: Market.url, Market.directory, at: Market.now,
            reader: TransferNodes { _ in nil }, signers: signers)
    }

    @Test func `an offer of a transfer alone has nothing wrong, and tells who has signed it`() throws {
        let inspection = try self.inspect(try TransferShop.instructions())
        #expect(inspection.findings.isEmpty && inspection.rows.isEmpty)
        let transfer = try #require(inspection.transfer)
        #expect(transfer.trust == .vouched(by: TransferShop.seller.description))
        #expect(transfer.review.option?.display == "0.001 USDC" && transfer.review.option?.maxTimeoutSeconds == 900)
    }

    @Test func `what is wrong with a transfer's instructions is named`() throws {
        let listed = try TransferShop.instructions(signer: TransferShop.listedKey)
        let account = TransferShop.listedKey.address.description
        #expect(try self.inspect(listed, signers: .listed([account])).findings.isEmpty)
        let cases: [(OfferInspection, String)] = [
            (try self.inspect(listed), "the origin was not asked"),
            (try self.inspect(listed, signers: .listed([])), "not listed by the origin"),
            (try self.inspect(listed, signers: .unknown(reason: "404")), "is unknown: 404"),
            (try self.inspect(try TransferShop.instructions(signer: nil)), "nobody has signed"),
            (try self.inspect(try TransferShop.instructions(currency: "USDT")), "currency is USDT, but the token is USDC"),
            (try self.inspect(try TransferShop.instructions(lifetime: 3)), "expires leaves 3 seconds"),
            (try self.inspect(try TransferShop.instructions(resource: "https://api.example/x")), "not what was asked for"),
        ]
        for (inspection, words) in cases {
            #expect(inspection.findings.contains { $0.contains(words) }, "\(words): \(inspection.findings)")
        }
    }

    @Test func `two places of one answer that ask for different transfers are named`() throws {
        let (one, other) = (try TransferShop.instructions(1), try TransferShop.instructions(2))
        var head = ResponseHead(status: 402)
        for (name, value) in Self.good { head.fields.append(name, value) }
        for (name, value) in one.fields { head.fields.append(name, value) }
        let body = JSON.object(["extensions": ["transfer-proof": .object(other.json)]]).utf8
        let inspection = OfferInspection(
            head, body: body, from: Market.url, Market.directory, at: Market.now, reader: TransferNodes { _ in nil })
        #expect(inspection.findings.contains { $0.contains("X-402-Required asks for another transfer than the body") })
    }
}
