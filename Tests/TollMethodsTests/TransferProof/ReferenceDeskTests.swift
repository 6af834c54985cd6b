// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

@testable import TollMethods

/// What a 402 says and what is kept of it.
@Suite struct ReferenceDeskTests {
    @Test("instructions are signed by the desk's key and say what the offer says")
    func signsInstructions() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        #expect(asked.authorship == .signed(ExactStand.signer.address))
        #expect(asked.amount == ExactStand.option.amount && asked.recipient == ExactStand.option.payTo)
        #expect(asked.expires == stand.now + 900 && asked.resource == "https://api.example/weather")
    }

    @Test("each address is another one, and none is the seller's")
    func derivesAddresses() async throws {
        let stand = TransferStand()
        var recipients: Set<String> = [ExactStand.option.payTo]
        for _ in 0..<5 { recipients.insert(try #require(try await stand.ask(.address)).recipient) }
        #expect(recipients.count == 6)
        let key = try ExtendedPublicKey(parsing: TransferStand.xpub)
        let (first, last) = (try key.address(0).description, try key.address(4).description)
        #expect(recipients.contains(first) && recipients.contains(last))
    }

    @Test("amounts that are taken are not given again")
    func givesAmountsOnce() async throws {
        let stand = TransferStand()
        var amounts: Set<UInt256> = []
        for _ in 0..<50 { amounts.insert(try #require(try await stand.ask(.amount)).amount) }
        #expect(amounts.count == 50)
    }

    @Test("a client that asks without end gets no more references, and others do")
    func limitsClients() async throws {
        let stand = TransferStand()
        for _ in 0..<Int(ReferenceQuota.ofClient.burst) { #expect(try await stand.ask(from: "192.0.2.1") != nil) }
        #expect(try await stand.ask(from: "192.0.2.1") == nil)
        #expect(try await stand.ask(from: "192.0.2.2") != nil)
        stand.time.advance(by: .seconds(1))
        #expect(try await stand.ask(from: "192.0.2.1") != nil)
    }

    @Test("nothing is asked for while the chain does not answer")
    func failsClosed() async throws {
        let stand = TransferStand()
        stand.chain.weather = .down
        #expect(try await stand.ask() == nil)
    }

    @Test("a refused proof gets its own reference again, until it ends")
    func reopens() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let occasion = ChallengeOccasion(
            client: "192.0.2.1", refused: TransferStand.credential(asked, .zero),
            refusal: PaymentRefusal(TransferProof.Reason.notFound.rawValue))
        let again = await stand.rail.dialect.additions(to: TransferStand.offer(), for: occasion)
        #expect(try TransferProof.Instructions(extensions: again?.extensions) == asked)
        #expect(again?.members["state"] == "awaiting" && again?.members["reason"] == "transaction_not_found")
        stand.time.advance(by: .seconds(900))
        let later = await stand.rail.dialect.additions(to: TransferStand.offer(), for: occasion)
        #expect(try TransferProof.Instructions(extensions: later?.extensions)?.reference != asked.reference)
        #expect(later?.members["state"] == nil)
    }

    @Test("the 402 says everything in fields and body, and a form to who asks for one")
    func challenges() async throws {
        let stand = TransferStand()
        var offer = TransferStand.offer()
        let additions = try #require(
            await stand.rail.dialect.additions(to: offer, for: ChallengeOccasion(client: "192.0.2.1")))
        offer.additions.merge(additions)
        let challenge = stand.rail.dialect.challenge(for: offer, error: nil)
        let asked = try #require(try TransferProof.Instructions(extensions: additions.extensions))
        #expect(challenge.fields.map(\.name) == ["X-402-Required", "Pay-To", "Pay-URL", "PAYMENT-REQUIRED"])
        #expect(challenge.body["paymentUri"] == .string(asked.paymentURI))
        #expect(challenge.documents.map(\.mediaType) == ["application/x-www-form-urlencoded", "application/payment-request"])
        let required = try X402V2.PaymentRequired(headerValue: String(decoding: challenge.fields[3].value, as: UTF8.self))
        #expect(required.accepts.isEmpty && required.json["amount"] == .string(asked.amount.description))
    }

    @Test("beside x402 the instructions stand in its object, and in no second one")
    func joinsX402() async throws {
        let stand = TransferStand()
        var offer = TransferStand.offer(dialects: ["x402"])
        let additions = try #require(
            await stand.rail.dialect.additions(to: offer, for: ChallengeOccasion(client: "192.0.2.1")))
        offer.additions.merge(additions)
        #expect(!stand.rail.dialect.challenge(for: offer, error: nil).fields.map(\.name).contains("PAYMENT-REQUIRED"))
        let field = try #require(X402V2Dialect().challenge(for: offer, error: nil).fields.first)
        let required = try X402V2.PaymentRequired(headerValue: String(decoding: field.value, as: UTF8.self))
        #expect(required.accepts.count == 1 && required.json["paymentUri"] != nil)
        #expect(try TransferProof.Instructions(extensions: required.extensions) != nil)
    }

    @Test("a proof without its reference is told to bring it, whatever binds the transfer", arguments: TransferProof.proofFields)
    func wantsReference(_ field: String) throws {
        let stand = TransferStand()
        var head = RequestHead(method: .get, target: Array("/weather".utf8), fields: Fields())
        let value = "{\"txHash\": \"\(Bytes32.zero)\", \"chainId\": 84532}"
        head.fields.append(field, value)
        guard case .mismatched(let refusal) = stand.rail.dialect.read(head, offers: [TransferStand.offer(.address)]) else {
            Issue.record("it was read otherwise")
            return
        }
        #expect(refusal.reason == TransferProof.Reason.referenceRequired.rawValue)
    }

    @Test("what the ledger keeps of a credential holds no reference")
    func keepsNoSecret() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let credential = TransferStand.credential(asked, .zero)
        #expect(!JSON.object(credential.payload).text.contains(asked.reference.text))
        #expect(!"\(credential)".contains(asked.reference.text))
    }
}
