// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

@testable import TollMethods

/// Money that is known without anybody telling its hash.
@Suite struct DepositWatcherTests {
    private let stand = TransferStand()

    private func watcher() throws -> (DepositWatcher, TransferProofNetwork) {
        let method = try #require(self.stand.rail.method as? TransferProofMethod)
        return (DepositWatcher(method, store: self.stand.store), try #require(method.networks[ExactStand.option.network]))
    }

    @Test(
        "what goes to a reference's own address or is of its own amount is deposited",
        arguments: [.amount, .address] as [ReferenceTerms.Binding])
    func deposits(_ binding: ReferenceTerms.Binding) async throws {
        let (watcher, network) = try self.watcher()
        let asked = try #require(try await self.stand.ask(binding))
        let state = await watcher.watch(network, .fresh)
        try await self.stand.send(asked, number: 0)
        _ = await watcher.watch(network, state)
        #expect(try await self.stand.deposits().map(\.claim.depositedFor) == [TransferStand.hash(asked)])
        #expect(try await self.stand.state(asked) == "paid")
    }

    @Test("what was sent before the first look is found")
    func findsEarlier() async throws {
        let (watcher, network) = try self.watcher()
        let asked = try #require(try await self.stand.ask(.address))
        try await self.stand.send(asked, number: 0)
        self.stand.chain.mine(blocks: 5)
        _ = await watcher.watch(network, .idle)
        #expect(try await self.stand.deposits().count == 1)
    }

    @Test("what was sent while the chain could not be asked is found, however long that was")
    func findsWhatCameInTheDark() async throws {
        let (watcher, network) = try self.watcher()
        self.stand.chain.mine(blocks: 1_000)
        let asked = try #require(try await self.stand.ask(.address))
        try await self.stand.send(asked, number: 0)
        self.stand.chain.mine(blocks: 2_000)
        var state = await watcher.watch(network, .idle)
        for _ in 0..<20 { state = await watcher.watch(network, state) }
        #expect(try await self.stand.deposits().count == 1)
        #expect(try await self.stand.state(asked) == "paid")
    }

    @Test("whatever else comes in is nobody's deposit")
    func leavesOthers() async throws {
        let (watcher, network) = try self.watcher()
        let asked = try #require(try await self.stand.ask(.amount))
        let state = await watcher.watch(network, .fresh)
        try await self.stand.send(asked, units: asked.amount.adding(1), number: 0)
        _ = await watcher.watch(network, state)
        #expect(try await self.stand.deposits().isEmpty)
    }

    @Test("nothing is asked of a chain on which nobody is waited for")
    func restsWhenIdle() async throws {
        let (watcher, network) = try self.watcher()
        _ = try #require(try await self.stand.ask(.signature))
        let asked = self.stand.chain.methods.count
        guard case .idle = await watcher.watch(network, .fresh) else {
            Issue.record("it is not idle")
            return
        }
        #expect(self.stand.chain.methods.count == asked)
    }

    @Test("looking again deposits nothing twice")
    func depositsOnce() async throws {
        let (watcher, network) = try self.watcher()
        let asked = try #require(try await self.stand.ask(.address))
        try await self.stand.send(asked, number: 0)
        _ = await watcher.watch(network, .idle)
        _ = await watcher.watch(network, .fresh)
        let sent = try #require(Bytes32(hex: try await self.stand.deposits()[0].settlement?.transaction ?? ""))
        #expect(isValid(await self.stand.verify(asked, sent, signedBy: nil)))
        #expect(try await self.stand.deposits().count == 1)
    }
}
