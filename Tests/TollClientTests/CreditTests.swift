// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollCrypto
import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

/// What servers owe, and buying with it.
@Suite struct CreditTests {
    static let debt = String(repeating: "ab", count: 32)

    static func signIn(domain: String = "api.example", uri: String = "https://api.example/weather", nonce: Int = 1) -> JSON {
        let info = X402V2.SignIn.Info(
            domain: domain, uri: uri, nonce: "0123456789abcdef000\(nonce)", issuedAt: "2026-03-01T12:00:00.000Z")
        let chain = X402V2.SignIn.SupportedChain(Market.baseSepolia, .eip191)
        return X402V2.SignIn.Challenge(info, chains: [chain]).json
    }

    static func challenge(_ options: [JSON] = [Market.option()], _ signIn: JSON = signIn()) -> Answer {
        Market.challenge(options, extensions: ["sign-in-with-x": signIn])
    }

    /// The server took the payment and its upstream failed.
    static let owing = Answer.answer(502, ["PAYMENT-RESPONSE": Market.receipt(), "Tollgate-Debt": debt], "{}")

    /// The receipt of a purchase with credit.
    static let bought = Answer.answer(200, ["PAYMENT-RESPONSE": Market.receipt(transaction: "")], "sunny")

    /// A shop whose server owes 0.001 USDC.
    static func owedShop(_ answers: Answer...) async throws -> Shop {
        let shop = Shop([Self.challenge(), Self.owing] + answers)
        let (report, _) = await shop.buy()
        #expect(report.failure?.code == .serverError && report.payment != nil)
        #expect(report.notices.contains { $0.contains(Self.debt) })
        return shop
    }

    static func proof(_ request: ClientRequest) throws -> X402V2.SignIn.Proof? {
        try request.fields.firstText("sign-in-with-x").map { try X402V2.SignIn.Proof(headerValue: $0) }
    }

    @Test func `what a server says it owes is in the journal as credit`() async throws {
        let shop = try await Self.owedShop()
        let payment = try #require(try shop.journal.payments().first)
        #expect(payment.debt == Self.debt)
        let credit = try #require(Credit.all(in: try shop.journal.payments()).first)
        #expect(credit.origin == Market.url.origin && credit.units == 1_000 && credit.asset == Market.usdc.address)
    }

    @Test func `credit is spent before anything is paid, once`() async throws {
        let shop = try await Self.owedShop(
            Self.challenge([Market.option()], Self.signIn(nonce: 2)), Self.bought, Self.challenge(), Market.delivered())
        let (report, body) = await shop.buy()
        #expect(report.exitStatus == 0 && body == "sunny" && report.notices.isEmpty)
        #expect(report.payment?.dialect == "sign-in-with-x" && report.payment?.transaction == "")
        let proof = try #require(try Self.proof(shop.server.requests[3]))
        #expect(proof.info.domain == "api.example" && proof.info.nonce == "0123456789abcdef0002")
        #expect(proof.chain == Market.baseSepolia && proof.address == Market.payer.account)
        #expect(shop.server.requests[3].fields.firstText("payment-signature") == nil)
        let text = proof.info.text(address: proof.address, chain: 84_532)
        #expect(proof.signature == Market.key.sign(digest: EIP191.digest(Array(text.utf8))).description)
        #expect(try shop.spentToday == Dollars(micros: 1_000))
        #expect(Credit.all(in: try shop.journal.payments()).isEmpty)
        // The next call is paid for.
        _ = await shop.buy()
        #expect(shop.server.payments.count == 2)
    }

    @Test func `credit that does not reach, is elsewhere or is not wanted is left alone`() async throws {
        let dear = try await Self.owedShop(Self.challenge([Market.option(amount: "1001")]), Market.delivered())
        _ = await dear.buy()
        #expect(dear.server.payments.count == 2)
        let other = try await Self.owedShop(Self.challenge([Market.option(Market.baseUSDC)]), Self.bought)
        _ = await other.buy()
        #expect(try Self.proof(other.server.requests[3]) == nil)
        let kept = try await Self.owedShop(Self.challenge(), Market.delivered())
        let (report, _) = await kept.buy(PurchaseRequest(Market.url), PurchasePolicy(spendsCredit: false))
        #expect(report.payment?.dialect == "x402" && kept.server.payments.count == 2)
        let dry = try await Self.owedShop(Self.challenge())
        #expect(await dry.buy(PurchaseRequest(Market.url), PurchasePolicy(isDryRun: true)).report.exitStatus == 10)
        #expect(dry.server.requests.count == 3)
    }

    @Test(
        arguments: [
            ("evil.example", "https://api.example/weather"), ("api.example", "https://evil.example/weather"),
            ("api.example:8443", "https://api.example/weather"), ("api.example", "http://api.example/weather"),
        ]
    )
    func `an invitation that names another server is not answered`(domain: String, uri: String) async throws {
        let shop = try await Self.owedShop(
            Self.challenge([Market.option()], Self.signIn(domain: domain, uri: uri)), Market.delivered())
        let (report, _) = await shop.buy()
        #expect(report.payment?.dialect == "x402")
        #expect(try shop.server.requests.allSatisfy { try Self.proof($0) == nil })
    }

    @Test(arguments: [401, 402])
    func `where the server takes no credit the call is paid for, and the credit is forgotten`(status: Int) async throws {
        let refusal = status == 402 ? Self.challenge() : Answer.answer(401, [:], #"{"detail":"too old"}"#)
        let shop = try await Self.owedShop(
            Self.challenge([Market.option()], Self.signIn(nonce: 2)), refusal, Market.delivered(), Self.challenge(),
            Market.delivered())
        let (report, body) = await shop.buy()
        #expect(report.exitStatus == 0 && body == "sunny" && report.payment?.dialect == "x402")
        #expect(report.notices.contains { $0.contains("did not take the credit") })
        _ = await shop.buy()
        #expect(try shop.server.requests.filter { try Self.proof($0) != nil }.count == 1)
        #expect(try shop.spentToday == Dollars(micros: 3_000))
    }

    @Test func `a purchase whose answer is lost is asked for again with the same sign-in, not paid for`() async throws {
        let shop = try await Self.owedShop(
            Self.challenge([Market.option()], Self.signIn(nonce: 2)), .fail(HTTPError(.disconnected, "gone")), Self.bought)
        #expect(await shop.buy().report.failure?.code == .outcomeUnknown)
        let (report, body) = await shop.buy()
        #expect(report.exitStatus == 0 && body == "sunny")
        #expect(try Self.proof(shop.server.requests[3]) == Self.proof(shop.server.requests[4]))
        #expect(shop.server.payments.count == 1)
        #expect(Credit.all(in: try shop.journal.payments()).isEmpty)
    }

    @Test func `a purchase taken up too late is paid for`() async throws {
        let shop = try await Self.owedShop(
            Self.challenge([Market.option()], Self.signIn(nonce: 2)), .fail(HTTPError(.disconnected, "gone")),
            .answer(401, [:], "{}"), Self.challenge(), Market.delivered())
        _ = await shop.buy()
        shop.stage.advance(by: 301)
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 0 && report.payment?.dialect == "x402")
        #expect(shop.server.payments.count == 2)
    }

    @Test func `a purchase that fails is credit again`() async throws {
        let again = Answer.answer(
            502, ["PAYMENT-RESPONSE": Market.receipt(transaction: ""), "Tollgate-Debt": String(Self.debt.reversed())], "{}")
        let shop = try await Self.owedShop(
            Self.challenge([Market.option()], Self.signIn(nonce: 2)), again,
            Self.challenge([Market.option()], Self.signIn(nonce: 3)), Self.bought)
        #expect(await shop.buy().report.failure?.code == .serverError)
        #expect(Credit.all(in: try shop.journal.payments()).first?.units == 1_000)
        #expect(await shop.buy().report.exitStatus == 0)
        #expect(Credit.all(in: try shop.journal.payments()).isEmpty)
        #expect(shop.server.payments.count == 1)
    }

    @Test func `a nonce is answered once`() async throws {
        let shop = try await Self.owedShop(
            Self.challenge([Market.option()], Self.signIn(nonce: 2)),
            .answer(502, ["PAYMENT-RESPONSE": Market.receipt(transaction: ""), "Tollgate-Debt": Self.debt], "{}"),
            Self.challenge([Market.option()], Self.signIn(nonce: 2)), Market.delivered())
        _ = await shop.buy()
        #expect(await shop.buy().report.payment?.dialect == "x402")
        #expect(try shop.server.requests.filter { try Self.proof($0) != nil }.count == 1)
    }

    @Test(arguments: ["", "a b", "é", String(repeating: "a", count: 129)])
    func `a debt whose name cannot stand in a line is none`(name: String) async throws {
        let shop = Shop([Self.challenge(), .answer(502, ["PAYMENT-RESPONSE": Market.receipt(), "Tollgate-Debt": name], "{}")])
        _ = await shop.buy()
        #expect(try shop.journal.payments().first?.debt == nil)
    }

    @Test func `a chain is not asked about what was bought with credit`() async throws {
        let shop = try await Self.owedShop(
            Self.challenge([Market.option()], Self.signIn(nonce: 2)), .fail(HTTPError(.disconnected, "gone")))
        _ = await shop.buy()
        #expect(try shop.journal.openQuestions(at: Market.now + 1_000).isEmpty)
    }

    @Test func `payments are named at random, and a repeat has the same name`() async throws {
        let extensions: JSON = ["payment-identifier": X402V2.PaymentIdentifier.declaration(required: false)]
        let lost = Answer.fail(HTTPError(.disconnected, "gone"))
        let shop = Shop([
            Market.challenge([Market.option()], extensions: extensions), lost, Market.delivered(),
            Market.challenge([Market.option()], extensions: extensions), Market.delivered(),
        ])
        for _ in 0..<3 { _ = await shop.buy() }
        let ids = try shop.server.payments.map { try X402V2.PaymentIdentifier(extensions: $0.extensions)?.id }
        #expect(ids.count == 3 && ids[0] != nil && ids[0] == ids[1] && ids[1] != ids[2])
        let nonce = try shop.server.payments[0].exactEVM().authorization.nonce
        #expect(ids[0] != X402V2.PaymentIdentifier.make(Keccak256.hash(nonce.bytes).bytes))
    }

    @Test func `a long journal goes on with the debts that are left`() async throws {
        let shop = try await Self.owedShop(Self.challenge([Market.option()], Self.signIn(nonce: 2)), Self.bought)
        let debt = try shop.lines
        let id = try shop.journal.payments()[0].id.description
        let closed = debt.filter { !$0.contains(#""event":"owed""#) }
        let others = (1...600).map { number in
            closed.map { $0.replacing(id, with: UInt256(UInt64(number)).word.description) + "\n" }.joined()
        }
        try shop.write(debt.map { $0 + "\n" }.joined() + others.joined())
        shop.stage.advance(by: 3 * 86_400)
        #expect(await shop.buy().report.payment?.dialect == "sign-in-with-x")
        #expect(try shop.journal.payments().map(\.isCreditPurchase) == [false, true])
        #expect(Credit.all(in: try shop.journal.payments()).isEmpty)
    }
}
