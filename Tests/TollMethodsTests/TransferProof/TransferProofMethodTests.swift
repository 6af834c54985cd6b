// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

@testable import TollMethods

/// What a transaction hash buys, and what it does not.
@Suite struct TransferProofMethodTests {
    @Test("a transfer pays under each binding", arguments: ReferenceTerms.Binding.allCases)
    func pays(_ binding: ReferenceTerms.Binding) async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask(binding))
        let sent = try await stand.send(asked, number: 0)
        let verification = await stand.verify(asked, sent, signedBy: binding == .signature ? TransferStand.buyer : nil)
        guard case .valid(let payment) = verification else {
            Issue.record("\(verification)")
            return
        }
        #expect(payment.option?.amount == asked.amount && payment.payer == TransferStand.buyer.address.description)
        let deposits = try await stand.deposits()
        #expect(deposits.map(\.phase) == [.settled] && deposits[0].claim.depositedFor == TransferStand.hash(asked))
        #expect(try await stand.state(asked) == "paid")
    }

    @Test("a hash alone pays for nothing where the sender has to sign")
    func needsSignature() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let sent = try await stand.send(asked, number: 0)
        #expect(reason(await stand.verify(asked, sent, signedBy: nil)) == .signatureRequired)
        #expect(reason(await stand.verify(asked, sent, signedBy: TransferStand.thief)) == .invalidSignature)
        #expect(try await stand.deposits().isEmpty)
    }

    @Test("somebody else's transfer pays for no reference of mine", arguments: ReferenceTerms.Binding.allCases)
    func refusesTheft(_ binding: ReferenceTerms.Binding) async throws {
        let stand = TransferStand()
        let victims = try #require(try await stand.ask(binding))
        let mine = try #require(try await stand.ask(binding))
        let sent = try await stand.send(victims, number: 0)
        for key in [nil, TransferStand.thief] {
            let verification = await stand.verify(mine, sent, signedBy: key)
            #expect(!isValid(verification), "\(verification)")
        }
        #expect(isValid(await stand.verify(victims, sent, signedBy: binding == .signature ? TransferStand.buyer : nil)))
    }

    @Test("one transfer pays once, also where its sender signs for two references")
    func paysOnce() async throws {
        let stand = TransferStand()
        let (first, second) = (try #require(try await stand.ask()), try #require(try await stand.ask()))
        let sent = try await stand.send(first, number: 0)
        #expect(isValid(await stand.verify(first, sent)))
        #expect(reason(await stand.verify(second, sent)) == .alreadyUsed)
        #expect(isValid(await stand.verify(first, sent)))
        #expect(try await stand.deposits().count == 1)
    }

    @Test("a transfer from before the reference pays for nothing")
    func refusesOlder() async throws {
        let stand = TransferStand()
        let first = try #require(try await stand.ask())
        let sent = try await stand.send(first, number: 0)
        stand.time.advance(by: .seconds(2))
        let second = try #require(try await stand.ask())
        #expect(reason(await stand.verify(second, sent)) == .tooEarly)
    }

    @Test("too little is kept, and topped up under the same reference")
    func topsUp() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let first = try await stand.send(asked, units: 400, number: 0)
        #expect(reason(await stand.verify(asked, first)) == .underpaid)
        #expect(try await stand.state(asked) == "underpaid")
        let second = try await stand.send(asked, units: 600, number: 1)
        #expect(isValid(await stand.verify(asked, second)))
    }

    @Test("what is over the price stays owed to its sender")
    func keepsSurplus() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask(.address))
        let sent = try await stand.send(asked, units: 2_500, number: 0)
        #expect(isValid(await stand.verify(asked, sent, signedBy: nil)))
        #expect(try await stand.deposits().map(\.debt?.units) == [2_500])
    }

    @Test("what comes after the end buys nothing, and is owed")
    func refusesLate() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        stand.time.advance(by: .seconds(961))
        let sent = try await stand.send(asked, number: 0)
        #expect(reason(await stand.verify(asked, sent)) == .tooLate)
        let deposit = try #require(try await stand.deposits().first)
        #expect(deposit.claim.depositedFor == nil && deposit.debt?.isOpen == true)
        #expect(try await stand.state(asked) == "expired")
    }

    @Test("a minute after the end is still in time")
    func takesNearlyLate() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        stand.time.advance(by: .seconds(960))
        let sent = try await stand.send(asked, number: 0)
        #expect(isValid(await stand.verify(asked, sent)))
    }

    @Test("a transaction that is not mined is waited for until the time is up")
    func waitsForBlock() async throws {
        let stand = TransferStand()
        stand.chain.isMining = false
        let asked = try #require(try await stand.ask())
        let sent = try await stand.send(asked, number: 0)
        #expect(isProcessing(await stand.verify(asked, sent)))
        #expect(try await stand.state(asked) == "processing")
        stand.time.advance(by: .seconds(961))
        #expect(reason(await stand.verify(asked, sent)) == .notFound)
        #expect(try await stand.state(asked) == "expired")
        #expect(!isProcessing(await stand.verify(asked, sent)))
    }

    @Test("a transaction replaced by a dearer one pays by its own hash alone")
    func followsReplacement() async throws {
        let stand = TransferStand()
        stand.chain.isMining = false
        let asked = try #require(try await stand.ask())
        let first = try await stand.send(asked, number: 0)
        let second = try await stand.send(asked, number: 0, tip: 2_000_000_000)
        stand.chain.mine()
        #expect(isProcessing(await stand.verify(asked, first)))
        #expect(isValid(await stand.verify(asked, second)))
    }

    @Test("a block that is not deep enough is waited for")
    func waitsForDepth() async throws {
        let stand = TransferStand(confirmations: .blocks(3))
        let asked = try #require(try await stand.ask())
        let sent = try await stand.send(asked, number: 0)
        #expect(reason(await stand.verify(asked, sent)) == .unconfirmed)
        #expect(try await stand.deposits().isEmpty)
        stand.chain.mine(blocks: 2)
        #expect(isValid(await stand.verify(asked, sent)))
    }

    @Test("a reverted transaction moved nothing, and another may follow")
    func refusesReverted() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let failed = try await stand.send(asked, units: 1_000_000, number: 0)
        #expect(reason(await stand.verify(asked, failed)) == .reverted)
        #expect(try await stand.state(asked) == "reverted")
        let sent = try await stand.send(asked, number: 1)
        #expect(isValid(await stand.verify(asked, sent)))
    }

    @Test("what an authorization moved pays in its own dialect")
    func refusesAuthorized() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let sent = try #require(stand.chain.submit(payload: ExactStand.payload()))
        #expect(reason(await stand.verify(asked, sent)) == .authorized)
        #expect(try await stand.deposits().isEmpty)
    }

    @Test("a transfer to somebody else pays for nothing")
    func refusesOtherRecipient() async throws {
        let stand = TransferStand()
        let (asked, others) = (try #require(try await stand.ask()), try #require(try await stand.ask(.address)))
        let sent = try await stand.send(others, number: 0)
        #expect(reason(await stand.verify(asked, sent)) == .wrongRecipient)
    }

    @Test("the price on another amount's reference is not its amount")
    func refusesOtherAmount() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask(.amount))
        #expect(asked.amount > ExactStand.option.amount && asked.amount <= ExactStand.option.amount.adding(9_999)!)
        let sent = try await stand.send(asked, units: asked.amount.adding(1), number: 0)
        #expect(reason(await stand.verify(asked, sent, signedBy: nil)) == .wrongAmount)
        #expect(isValid(await stand.verify(asked, sent)))
    }

    @Test("another chain, another route and a made up reference are refused")
    func refusesElsewhere() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let sent = try await stand.send(asked, number: 0)
        #expect(reason(await stand.verify(asked, sent, chainID: 1)) == .wrongNetwork)
        #expect(reason(await stand.verify(asked, sent, on: "GET /dear")) == .unknownReference)
        let foreign = try #require(try await TransferStand().ask())
        #expect(reason(await stand.verify(foreign, sent)) == .unknownReference)
    }

    @Test("a chain that does not answer decides nothing")
    func failsClosed() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let sent = try await stand.send(asked, number: 0)
        stand.chain.weather = .down
        #expect(isUnavailable(await stand.verify(asked, sent)))
        stand.chain.weather = .fine
        #expect(isValid(await stand.verify(asked, sent)))
    }

    @Test("of two nodes that contradict each other neither is believed")
    func asksTwo() async throws {
        let other = SimulatedEVMChain(clock: { .seconds(ExactStand.now) })
        let stand = TransferStand(others: [other])
        let asked = try #require(try await stand.ask())
        let sent = try await stand.send(asked, number: 0)
        #expect(reason(await stand.verify(asked, sent)) == .nodesDisagree)
        #expect(try await stand.deposits().isEmpty)
    }

    @Test("a vanished block's money buys nothing more")
    func suspendsVanished() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let sent = try await stand.send(asked, units: 400, number: 0)
        _ = await stand.verify(asked, sent)
        let deposit = try #require(try await stand.deposits().first)
        try await stand.store.append([.vanished(reason: "a test")], to: deposit.id, at: stand.now)
        let rest = try await stand.send(asked, units: 600, number: 1)
        #expect(reason(await stand.verify(asked, rest)) == .underpaid)
    }

    @Test("a call that is bought is known again without asking the chain")
    func knowsBought() async throws {
        let stand = TransferStand()
        let asked = try #require(try await stand.ask())
        let sent = try await stand.send(asked, number: 0)
        guard case .valid(let payment) = await stand.verify(asked, sent) else {
            Issue.record("not paid")
            return
        }
        let credential = TransferStand.credential(asked, sent)
        let claim = Claim(
            key: payment.key, payer: payment.payer, option: try #require(payment.option), dialect: "transfer-proof",
            policy: .before, payload: credential.payload, route: "GET /weather",
            request: RequestIdentity(digest: .zero, isRepeatable: true), challengeHash: credential.challengeHash,
            unusedAtBlock: 0, validBefore: payment.validBefore)
        guard case .first(let bought) = try await stand.store.spendCredit(claim, at: stand.now) else {
            Issue.record("not bought")
            return
        }
        #expect(bought.settlement?.isCredit == true && bought.claim.shownTransaction == sent.description)
        stand.chain.weather = .down
        #expect(isValid(await stand.verify(asked, sent)))
        #expect(stand.rail.method.key(of: credential)?.id == bought.id)
        #expect(try await stand.deposits().map(\.debt?.units) == [0])
    }
}
