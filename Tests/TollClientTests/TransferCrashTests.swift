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

/// A transfer goes on from wherever it was left, and is made once.
@Suite struct TransferCrashTests {
    /// A shop whose journal ends after so many lines of a purchase, and whose chain has nothing or everything of it.
    private func crashed(after lines: Int, isOnChain: Bool) async throws -> (TransferShop, SignedTransfer) {
        let first = TransferShop([try TransferShop.challenge(), Market.delivered(), Market.delivered("again")])
        #expect(await first.buy().report.exitStatus == 0)
        let signed = try #require(try first.signed.first)
        let events = try first.shop.lines
        #expect(events.count == 3)
        try first.shop.write(events.prefix(lines).map { $0 + "\n" }.joined())
        return (isOnChain ? first : TransferShop(shop: first.shop), signed)
    }

    @Test func `what is signed is on disk before any node has it`() async throws {
        let stand = TransferShop([try TransferShop.challenge(), Market.delivered()])
        let path = stand.shop.directory + "/journal.jsonl"
        stand.chain.setFault { method, params in
            guard method == "eth_sendRawTransaction" else { return nil }
            let lines = ((try? Shop.text(path)) ?? "").split(separator: "\n")
            #expect(lines.count == 2 && lines[1].contains(params.first?.string ?? "nothing"))
            #expect(lines[1].contains(TransferShop.reference().text))
            return nil
        }
        #expect(await stand.buy().report.exitStatus == 0)
        #expect(stand.chain.methods.contains("eth_sendRawTransaction"))
    }

    @Test func `reserved and not signed: another reference is paid, since nothing can have been sent`() async throws {
        let (stand, _) = try await self.crashed(after: 1, isOnChain: false)
        stand.shop.server.clear()
        stand.shop.server.add(try TransferShop.challenge(2), Market.delivered("rain"))
        #expect(await stand.buy().body == "rain")
        #expect(stand.chain.transactionCount == 1 && stand.proofs.last?.reference == TransferShop.reference(2))
    }

    @Test func `signed and not sent: the same transaction is sent`() async throws {
        let (stand, signed) = try await self.crashed(after: 2, isOnChain: false)
        #expect(stand.chain.transactionCount == 0)
        let (report, body) = await stand.buy()
        #expect(report.exitStatus == 0 && body == "again", "\(report)")
        #expect(stand.chain.transactionCount == 1 && stand.proofs.allSatisfy { $0.txHash == signed.hash })
        #expect(stand.chain.balance(of: TransferShop.seller) == 1_000)
        #expect(try stand.shop.spentToday == Dollars(micros: 1_000))
    }

    @Test func `sent and not mined: it is waited for, and nothing else is sent`() async throws {
        let stand = TransferShop([try TransferShop.challenge()])
        stand.chain.isMining = false
        let (report, _) = await stand.buy(PurchasePolicy(transferPatience: 5))
        #expect(report.exitStatus == 23 && report.failure?.isRetryable == true && report.payment != nil, "\(report)")
        stand.shop.server.add(Market.delivered())
        let chain = stand.chain
        stand.whenWaiting { chain.mine() }
        #expect(await stand.buy().body == "sunny")
        #expect(stand.chain.transactionCount == 1 && stand.chain.balance(of: TransferShop.seller) == 1_000)
        #expect(stand.shop.server.requests.count == 2)
    }

    @Test func `mined and not proven: the proof names it`() async throws {
        let (stand, signed) = try await self.crashed(after: 2, isOnChain: true)
        #expect(await stand.buy().body == "again")
        #expect(stand.proofs.map(\.txHash) == [signed.hash, signed.hash] && stand.chain.transactionCount == 1)
    }

    @Test func `proven and not answered: the same proof is shown again`() async throws {
        let lost = Answer.fail(HTTPError(.disconnected, "reset"))
        let stand = TransferShop([try TransferShop.challenge()] + Array(repeating: lost, count: 6))
        let (report, _) = await stand.buy()
        #expect(report.exitStatus == 23, "\(report)")
        stand.shop.server.add(Market.delivered())
        #expect(await stand.buy().body == "sunny")
        let values = stand.shop.server.requests.compactMap { $0.fields.firstText("x-402-proof") }
        #expect(values.count == 7 && Set(values).count == 1 && stand.chain.transactionCount == 1)
    }

    @Test func `an answer that broke off is asked for again`() async throws {
        let broken = Answer.breakOff(["PAYMENT-RESPONSE": Market.receipt()], "sun")
        let stand = TransferShop([try TransferShop.challenge(), broken, Market.delivered()])
        #expect(await stand.buy().report.exitStatus == 23)
        #expect(await stand.buy().body == "sunny")
        #expect(stand.chain.transactionCount == 1)
    }

    @Test func `a node that forgets what it was given is given it again`() async throws {
        let stand = TransferShop([try TransferShop.challenge(), Market.delivered()])
        let chain = stand.chain
        chain.isMining = false
        let stage = stand.shop.stage
        stand.whenWaiting {
            if stage.now == Market.now + 1 { chain.forgetPool() } else { chain.mine() }
        }
        #expect(await stand.buy().report.exitStatus == 0)
        #expect(try stand.signed.count == 1)
        #expect(chain.methods.filter { $0 == "eth_sendRawTransaction" }.count == 2)
    }

    // MARK: Replacement

    @Test func `a transfer that is stuck is offered more gas under its number, and the proof names the one that was mined`()
        async throws
    {
        for oldOneWins in [false, true] {
            let stand = TransferShop([try TransferShop.challenge(), Market.delivered()])
            let (chain, stage) = (stand.chain, stand.shop.stage)
            chain.isMining = false
            let first = Mutexed<SignedTransaction?>(nil)
            stand.whenWaiting {
                first.set { $0 ?? chain.waiting.first }
                guard stage.now > Market.now + 65 else { return }
                if oldOneWins, let old = first.value, chain.waiting.first?.hash != old.hash {
                    chain.dropWaiting()
                    chain.deliver(Hex.encodePrefixed(old.raw))
                }
                chain.mine()
            }
            let (report, _) = await stand.buy()
            #expect(report.exitStatus == 0, "\(report)")
            let signed = try stand.signed
            #expect(signed.count == 2 && signed[0].number == signed[1].number && signed.allSatisfy { !$0.isVoid })
            #expect(stand.proofs.map(\.txHash) == [signed[oldOneWins ? 0 : 1].hash])
            #expect(chain.balance(of: TransferShop.seller) == 1_000)
        }
    }

    @Test func `a transfer that a reorganisation took is proven again when it is back`() async throws {
        let stand = TransferShop([try TransferShop.challenge(), try TransferShop.processing(), Market.delivered()])
        let (chain, stage) = (stand.chain, stand.shop.stage)
        stand.whenWaiting {
            if stage.now == Market.now + 2 { chain.reorganise(depth: 1, returnsTransactions: true) } else { chain.mine() }
        }
        #expect(await stand.buy().report.exitStatus == 0)
        #expect(stand.proofs.count == 2 && chain.balance(of: TransferShop.seller) == 1_000)
        #expect(try stand.signed.count == 1)
    }

    // MARK: Expiry

    @Test func `what did not get into a block in time is called back, and the request is paid anew`() async throws {
        let stand = TransferShop([try TransferShop.challenge()])
        let chain = stand.chain
        chain.isMining = false
        #expect(await stand.buy(PurchasePolicy(transferPatience: 5)).report.exitStatus == 23)
        stand.shop.stage.advance(by: 1_000)
        chain.isMining = true
        stand.whenWaiting { chain.mine() }
        let later = try TransferShop.instructions(2, lifetime: 9_000)
        stand.shop.server.add(TransferShop.challenge(later), Market.delivered("rain"))
        let (report, body) = await stand.buy()
        #expect(report.exitStatus == 0 && body == "rain", "\(report)")
        let payments = try stand.shop.journal.payments()
        let areVoid = payments.map { payment in payment.transfer.map { $0.transactions.map { $0.isVoid } } ?? [] }
        #expect(areVoid == [[false, true], [false]])
        guard case .released = payments[0].state else {
            Issue.record("what was called back counts: \(payments[0].state)")
            return
        }
        #expect(chain.balance(of: TransferShop.seller) == 1_000)
    }

    @Test func `what arrived too late is shown all the same, and told to be a debt`() async throws {
        let stand = TransferShop([try TransferShop.challenge()])
        let chain = stand.chain
        chain.isMining = false
        #expect(await stand.buy(PurchasePolicy(transferPatience: 5)).report.exitStatus == 23)
        chain.mine()
        stand.shop.stage.advance(by: 1_000)
        stand.shop.server.add(try TransferShop.refused("too_late"), TransferShop.status(.expired))
        let (report, _) = await stand.buy()
        #expect(report.exitStatus == 22 && report.failure?.message.contains("debt") == true, "\(report)")
        #expect(chain.transactionCount == 1)
    }

    @Test func `an expired transfer is never sent as it was, not even where it cannot be called back`() async throws {
        let (stand, _) = try await self.crashed(after: 2, isOnChain: false)
        stand.shop.stage.advance(by: 1_000)
        stand.feeLimit = 1
        let (report, _) = await stand.buy(PurchasePolicy(transferPatience: 100))
        #expect(report.exitStatus == 23 && report.failure?.message.contains("expired") == true, "\(report)")
        #expect(stand.chain.transactionCount == 0)
    }

    @Test func `a transfer that reverted moved nothing, and is known to once it lies deep`() async throws {
        let stand = TransferShop([try TransferShop.challenge()])
        let chain = stand.chain
        chain.isMining = false
        stand.whenWaiting {
            chain.mint(0, to: TransferShop.payer)
            chain.mine()
        }
        let (report, _) = await stand.buy()
        #expect(report.exitStatus == 30 && report.payment == nil, "\(report)")
        #expect(report.notices.contains { $0.contains("reverted") })
        #expect(try stand.shop.spentToday == Dollars(0))
    }

    @Test func `another transaction under the number means that nothing moved, once it lies deep`() async throws {
        let stand = TransferShop([try TransferShop.challenge()])
        let chain = stand.chain
        chain.isMining = false
        stand.whenWaiting {
            if chain.block == 1_000 { chain.useNumber(of: TransferShop.payer) } else { chain.mine() }
        }
        let (report, _) = await stand.buy()
        #expect(report.exitStatus == 30 && report.notices.contains { $0.contains("another transaction") }, "\(report)")
        #expect(chain.block >= 1_013)
        #expect(try stand.shop.spentToday == Dollars(0))
    }

    // MARK: Several

    @Test func `a transfer that no node has holds up others of its account until it is taken up`() async throws {
        let (stand, signed) = try await self.crashed(after: 2, isOnChain: false)
        stand.shop.server.clear()
        let other = PurchaseRequest(try URLParts(parsing: "https://api.example/other"))
        let offer = TransferShop.challenge(try TransferShop.instructions(2, resource: "https://api.example/other"))
        stand.shop.server.add(offer)
        let (report, _) = await stand.buy(PurchasePolicy(), other)
        #expect(report.exitStatus == 20 && report.failure?.code == .earlierTransfer, "\(report)")
        #expect(stand.chain.transactionCount == 0)
        stand.shop.server.add(TransferShop.status(.paid), offer, Market.delivered("other"))
        guard case .arrived(let hash, let status) = try await stand.recover().first else {
            Issue.record("the transfer did not arrive")
            return
        }
        #expect(hash == signed.hash && status?.state == .paid)
        #expect(await stand.buy(PurchasePolicy(), other).body == "other")
        #expect(try stand.signed.map(\.number) == [0, 1])
    }

    @Test func `recovery without the key sends what is signed, and calls nothing back`() async throws {
        let (stand, signed) = try await self.crashed(after: 2, isOnChain: false)
        let recovery = TransferRecovery(
            client: stand.shop.server, journal: stand.shop.journal, chain: stand.nodes, environment: stand.environment)
        let findings = try await recovery.run(patience: 60).map(\.1)
        #expect(findings == [.arrived(signed.hash, nil)])
        let (late, _) = try await self.crashed(after: 2, isOnChain: false)
        late.shop.stage.advance(by: 1_000)
        let other = TransferRecovery(
            client: late.shop.server, journal: late.shop.journal, chain: late.nodes, environment: late.environment)
        guard case .open(let reason) = try await other.run(patience: 60).first?.1 else {
            Issue.record("an expired transfer was settled without its key")
            return
        }
        #expect(reason.contains("key") && late.chain.transactionCount == 0)
    }

    @Test func `a transfer whose key is not there stays open`() async throws {
        let (stand, _) = try await self.crashed(after: 2, isOnChain: false)
        let (report, _) = await stand.buy(senders: [])
        #expect(report.exitStatus == 23 && report.failure?.message.contains("\(TransferShop.payer)") == true)
    }

    @Test func `an old transfer is still taken up, since what is signed can be mined at any time`() async throws {
        let (stand, signed) = try await self.crashed(after: 2, isOnChain: true)
        stand.shop.stage.advance(by: 3 * 86_400)
        stand.shop.server.clear()
        stand.shop.server.add(try TransferShop.refused("unknown_reference"), .answer(404, [:], ""))
        let (report, _) = await stand.buy()
        #expect(report.exitStatus == 22 && stand.proofs.last?.txHash == signed.hash)
        #expect(report.failure?.message.contains("says nothing") == true, "\(report)")
    }
}
