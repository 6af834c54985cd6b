// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

/// Paying by a transfer where a server takes nothing better.
@Suite struct TransferPurchaseTests {
    @Test func `where nothing better is offered a transfer is made once, proven and counted`() async throws {
        let stand = TransferShop([try TransferShop.challenge(), Market.delivered()])
        let (report, body) = await stand.buy()
        #expect(report.exitStatus == 0 && body == "sunny" && report.failure == nil)
        #expect(report.payment?.dialect == "transfer-proof" && report.payment?.option.scheme == "transfer")
        #expect(stand.chain.balance(of: TransferShop.seller) == 1_000 && stand.chain.transactionCount == 1)
        let proof = try #require(stand.proofs.first)
        #expect(stand.proofs.count == 1 && proof.reference == TransferShop.reference() && proof.chainID == 84_532)
        #expect(proof.recoveredSender == TransferShop.payer)
        #expect(proof.txHash == (try stand.signed[0].hash) && report.payment?.transaction == proof.txHash.description)
        #expect(try stand.shop.spentToday == Dollars(micros: 1_000))
        #expect(try stand.shop.journal.payments().map(\.isTransfer) == [true])
    }

    @Test func `a signed authorization comes before a transfer, whatever it costs less`() async throws {
        let offer = TransferShop.challenge(try TransferShop.instructions(amount: 1), accepts: [Market.option()])
        let stand = TransferShop([offer, Market.delivered()])
        let (report, _) = await stand.buy()
        #expect(report.payment?.dialect == "x402" && stand.chain.transactionCount == 0 && stand.proofs.isEmpty)
    }

    @Test func `where the options of x402 cannot be paid the transfer is made`() async throws {
        let offer = TransferShop.challenge(try TransferShop.instructions(), accepts: [Market.option(scheme: "upto")])
        let stand = TransferShop([offer, Market.delivered()])
        #expect(await stand.buy().report.payment?.dialect == "transfer-proof")
        let dear = TransferShop([
            TransferShop.challenge(try TransferShop.instructions(), accepts: [Market.option(amount: "9000000")]), Market.delivered(),
        ])
        #expect(await dear.buy().report.payment?.dialect == "transfer-proof")
    }

    @Test(arguments: ["field", "payment-request", "form", "json"])
    func `instructions are read wherever a server puts them`(place: String) async throws {
        let instructions = try TransferShop.instructions()
        let answer: Answer =
            switch place {
            case "field": .answer(402, Dictionary(uniqueKeysWithValues: instructions.fields.map { ($0.name, $0.value) }), "")
            case "payment-request":
                .answer(
                    402, ["Content-Type": "application/payment-request"],
                    String(decoding: instructions.body(as: .paymentRequest), as: UTF8.self))
            case "form":
                .answer(
                    402, ["Content-Type": "application/x-www-form-urlencoded"],
                    String(decoding: instructions.body(as: .form), as: UTF8.self))
            default: .answer(402, [:], JSON.object(["extensions": ["transfer-proof": .object(instructions.json)]]).text)
            }
        let stand = TransferShop([answer, Market.delivered()])
        let (report, _) = await stand.buy()
        #expect(report.exitStatus == 0 && stand.proofs.first?.reference == TransferShop.reference(), "\(report)")
    }

    @Test func `instructions in the body do not help where the field that counts cannot be read`() async throws {
        let body = JSON.object(["extensions": ["transfer-proof": .object(try TransferShop.instructions().json)]]).text
        let stand = TransferShop([.answer(402, ["PAYMENT-REQUIRED": "%%%"], body)])
        #expect(await stand.buy().report.exitStatus == 21)
        #expect(stand.chain.transactionCount == 0)
    }

    @Test func `a seller that waits for confirmations is asked again with the same proof`() async throws {
        let stand = TransferShop([
            try TransferShop.challenge(), try TransferShop.processing(), try TransferShop.processing(reason: "transaction_not_found"),
            .answer(503, ["Retry-After": "5"], "{}"), .fail(HTTPError(.disconnected, "reset")), Market.delivered(),
        ])
        let started = stand.shop.stage.now
        let (report, body) = await stand.buy()
        #expect(report.exitStatus == 0 && body == "sunny", "\(report)")
        #expect(Set(stand.proofs).count == 1 && stand.proofs.count == 5 && stand.chain.transactionCount == 1)
        #expect(stand.shop.stage.now - started >= 2 + 2 + 5)
    }

    @Test func `a dry run transfers nothing and says what it would`() async throws {
        let stand = TransferShop([try TransferShop.challenge()])
        let (report, _) = await stand.buy(PurchasePolicy(isDryRun: true))
        #expect(report.exitStatus == 10 && report.preview?.dialect == "transfer-proof" && report.payment == nil)
        #expect(stand.chain.transactionCount == 0)
        #expect(try stand.shop.journal.payments().isEmpty)
    }

    @Test func `limits and policy hold for transfers too`() async throws {
        let dear = TransferShop([TransferShop.challenge(try TransferShop.instructions(amount: 1_000_001))])
        #expect(await dear.buy().report.failure?.code == .overLimit)
        let elsewhere = TransferShop([try TransferShop.challenge()])
        #expect(await elsewhere.buy(PurchasePolicy(network: Market.base)).report.exitStatus == 21)
        let unwanted = TransferShop([try TransferShop.challenge()])
        #expect(await unwanted.buy(PurchasePolicy(allowsTransfers: false)).report.exitStatus == 21)
        let keyless = TransferShop([try TransferShop.challenge()])
        #expect(await keyless.buy(senders: []).report.exitStatus == 21)
        let tight = TransferShop([try TransferShop.challenge()])
        let budget = PurchasePolicy(budget: Budget(perOrigin: Dollars(micros: 999)))
        #expect(await tight.buy(budget).report.failure?.code == .overBudget)
        for stand in [dear, elsewhere, unwanted, keyless, tight] { #expect(stand.chain.transactionCount == 0) }
    }

    @Test func `too little of the token or for gas is told with account, network, balance and shortfall`() async throws {
        let poor = TransferShop([try TransferShop.challenge()])
        poor.chain.mint(400, to: TransferShop.payer)
        let (report, _) = await poor.buy()
        #expect(report.exitStatus == 21 && report.failure?.code == .insufficientFunds)
        let words = ["\(TransferShop.payer)", "0.0004 USDC on eip155:84532", "0.0006 USDC short of 0.001 USDC"]
        for word in words { #expect(report.failure?.message.contains(word) == true, "\(report)") }
        let dry = TransferShop([try TransferShop.challenge()])
        dry.chain.fund(1, TransferShop.payer)
        let (gasless, _) = await dry.buy()
        #expect(gasless.exitStatus == 21 && gasless.failure?.message.contains("gas") == true, "\(gasless)")
        #expect(dry.chain.transactionCount == 0 && poor.chain.transactionCount == 0)
    }

    @Test func `without a chain that answers, and while gas is dear, nothing is signed`() async throws {
        let away = TransferShop([try TransferShop.challenge()])
        away.chain.weather = .down
        #expect(await away.buy().report.exitStatus == 30)
        let dear = TransferShop([try TransferShop.challenge()])
        dear.feeLimit = 1
        #expect(await dear.buy().report.failure?.message.contains("--max-fee-gwei") == true)
        #expect(try away.shop.journal.payments().isEmpty && dear.shop.journal.payments().isEmpty)
    }

    // MARK: Who vouches

    @Test func `instructions count when their recipient has signed them, or an account that the origin lists`() async throws {
        let listed = try TransferShop.instructions(signer: TransferShop.listedKey)
        let list = #"{"version":1,"signers":["\#(TransferShop.listedKey.address.lowercaseHex)"]}"#
        let stand = TransferShop([TransferShop.challenge(listed), .answer(200, [:], list), Market.delivered()])
        #expect(await stand.buy().report.exitStatus == 0)
        #expect(String(decoding: stand.shop.server.requests[1].target, as: UTF8.self) == "/.well-known/x402")
        #expect(stand.shop.server.requests[1].origin == Market.url.origin)
    }

    @Test(arguments: [
        Answer.answer(404, [:], "{}"), .answer(200, [:], #"{"version":1}"#), .answer(200, [:], #"{"signers":["0x01"]}"#),
        .answer(302, ["Location": "https://evil.example/"], ""), .fail(HTTPError(.timedOut, "slow")),
    ])
    func `an account that the origin does not list is paid only by who asks for it`(list: Answer) async throws {
        let offer = TransferShop.challenge(try TransferShop.instructions(signer: TransferShop.listedKey))
        let refused = TransferShop([offer, list])
        let (report, _) = await refused.buy()
        #expect(report.exitStatus == 21 && report.failure?.message.contains("--allow-unsigned") == true, "\(report)")
        #expect(refused.chain.transactionCount == 0)
        let allowed = TransferShop([offer, list, Market.delivered()])
        #expect(await allowed.buy(PurchasePolicy(allowsUnsignedInstructions: true)).report.exitStatus == 0)
    }

    @Test func `what nobody has signed is refused, and what is wrongly signed always`() async throws {
        let offer = TransferShop.challenge(try TransferShop.instructions(signer: nil))
        let unsigned = TransferShop([offer, offer, Market.delivered()])
        #expect(await unsigned.buy().report.failure?.message.contains("nobody has signed") == true)
        #expect(await unsigned.buy(PurchasePolicy(allowsUnsignedInstructions: true)).report.exitStatus == 0)
        var object = try TransferShop.instructions().json
        object["amount"] = "999"
        object["paymentUri"] = .string("ethereum:\(Market.usdc.address)@84532/transfer?address=\(TransferShop.seller)&uint256=999")
        let forged = TransferShop([TransferShop.challenge(try TransferProof.Instructions(object))])
        let (report, _) = await forged.buy(PurchasePolicy(allowsUnsignedInstructions: true))
        #expect(report.exitStatus == 21 && report.failure?.message.contains("not signed by") == true)
        #expect(forged.chain.transactionCount == 0)
    }

    static let wrong: [(String, @Sendable () throws -> TransferProof.Instructions)] = [
        ("network eip155:1 is unknown", { try TransferShop.instructions(chainID: 1) }),
        ("is unknown", { try TransferShop.instructions(asset: "0x2222222222222222222222222222222222222222") }),
        ("decimals is 18", { try TransferShop.instructions(decimals: 18) }),
        ("not what was asked for", { try TransferShop.instructions(resource: "https://api.example/other") }),
        ("not what was asked for", { try TransferShop.instructions(resource: "https://evil.example/weather") }),
        ("expires leaves 29 seconds", { try TransferShop.instructions(lifetime: 29) }),
        ("expires leaves 0 seconds", { try TransferShop.instructions(lifetime: -5) }),
        ("the amount is zero", { try TransferShop.instructions(amount: .zero) }),
        ("zero address", { try TransferShop.instructions(recipient: "0x0000000000000000000000000000000000000000") }),
        ("the token itself", { try TransferShop.instructions(recipient: Market.usdc.address) }),
        ("paying account itself", { try TransferShop.instructions(recipient: TransferShop.payer.description) }),
        ("mistyped", { try TransferShop.instructions(recipient: "0x209693bc6afc0C5328bA36FaF03C514EF312287C") }),
    ]

    @Test(arguments: wrong.indices)
    func `instructions that are wrong in any member are refused with the member's name`(index: Int) async throws {
        let (words, make) = Self.wrong[index]
        let stand = TransferShop([TransferShop.challenge(try make())])
        let (report, _) = await stand.buy(PurchasePolicy(allowsUnsignedInstructions: true))
        #expect(report.exitStatus == 21 && report.failure?.message.contains(words) == true, "\(report)")
        #expect(stand.chain.transactionCount == 0)
    }

    @Test func `a resource without the query of what was asked for is that resource`() async throws {
        let url = try URLParts(parsing: "https://api.example/weather?city=paris")
        let stand = TransferShop([try TransferShop.challenge(), Market.delivered()])
        #expect(await stand.buy(PurchasePolicy(), PurchaseRequest(url)).report.exitStatus == 0)
        #expect(String(decoding: stand.shop.server.requests[1].target, as: UTF8.self) == "/weather?city=paris")
    }

    // MARK: Refusals

    @Test(arguments: ["too_late", "underpaid", "unknown_reference", "already_used", "wrong_amount"])
    func `a transfer that buys nothing is told to be the seller's debt, and no other is made`(reason: String) async throws {
        let stand = TransferShop([try TransferShop.challenge(), try TransferShop.refused(reason), TransferShop.status(.expired)])
        let (report, _) = await stand.buy()
        #expect(report.exitStatus == 22 && report.payment != nil)
        for words in [reason, "debt of the seller's", "expired, 1000 of 1000 units received"] {
            #expect(report.failure?.message.contains(words) == true, "\(report)")
        }
        let target = String(decoding: stand.shop.server.requests[2].target, as: UTF8.self)
        #expect(target == "/payments/\(TransferShop.reference().text)")
        #expect(stand.chain.transactionCount == 1)
        #expect(try stand.shop.spentToday == Dollars(micros: 1_000))
    }

    @Test func `an error after the transfer was taken is told apart, with its body and what is owed`() async throws {
        let fields = ["PAYMENT-RESPONSE": Market.receipt(), "Tollgate-Debt": "abc"]
        let stand = TransferShop([try TransferShop.challenge(), .answer(502, fields, "broken")])
        let (report, body) = await stand.buy()
        #expect(report.exitStatus == 40 && body == "broken" && report.payment != nil)
        #expect(try stand.shop.journal.payments().first?.debt == "abc")
    }

    @Test func `a reference is never paid twice, whoever asks for it`() async throws {
        let stand = TransferShop([try TransferShop.challenge(), Market.delivered(), try TransferShop.challenge()])
        #expect(await stand.buy().report.exitStatus == 0)
        let (report, _) = await stand.buy()
        #expect(report.exitStatus == 21 && report.failure?.message.contains("not made twice") == true, "\(report)")
        #expect(stand.chain.transactionCount == 1)
    }
}
