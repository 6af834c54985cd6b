// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollEVM
import TollPrimitives
import TollTestKit

/// Scans of simulated chains, through nodes that fail.
@Suite struct TransferWatchTests {
    private static let (buyer, seller, other) = (account(1), account(2), account(3))

    private static func account(_ number: UInt64) -> Address { Address(UInt256(number).word)! }

    /// One or more nodes, what was handed on, and the scan between steps.
    private struct Stand {
        let chains: [SimulatedEVMChain]
        var scan: LogScan
        var depth = BlockDepth.blocks(1)
        var found: [TransferLog] = []

        init(nodes: Int = 1, limits: LogScan.Limits = LogScan.Limits()) {
            self.chains = (0..<nodes).map { _ in SimulatedEVMChain { .seconds(1_800_000_000) } }
            self.scan = LogScan(tokens: [SimulatedEVMChain.token], after: LogScan.Mark(block: 1_000), limits: limits)
            for chain in self.chains { chain.mint(1_000_000, to: TransferWatchTests.buyer) }
        }

        /// The same transaction on every node's chain.
        func pay(_ units: UInt256, to recipient: Address = TransferWatchTests.seller) {
            for chain in self.chains {
                chain.submit(ERC20.transfer(to: recipient, value: units), from: TransferWatchTests.buyer)
            }
        }

        @discardableResult
        mutating func step(_ recipients: Set<Address> = [TransferWatchTests.seller]) async throws -> LogScan.Rest {
            let watch = TransferWatch(
                nodes: self.chains.map { $0.client() }, tokens: [SimulatedEVMChain.token], depth: self.depth)
            var found: [TransferLog] = []
            let rest = try await watch.advance(&self.scan, recipients: { recipients }) { logs, _ in found += logs }
            self.found += found
            return rest
        }

        var values: [UInt256] { self.found.map(\.transfer.value) }
    }

    @Test func `what arrives is handed on, once, with its place`() async throws {
        var stand = Stand()
        stand.pay(5)
        stand.pay(6, to: Self.other)
        stand.pay(7)
        #expect(try await stand.step() == .upToDate)
        #expect(stand.values == [5, 7] && stand.found.map(\.block) == [1_001, 1_003])
        #expect(stand.found.allSatisfy { $0.transfer.from == Self.buyer && $0.transfer.to == Self.seller })
        stand.pay(8)
        try await stand.step()
        try await stand.step()
        #expect(stand.values == [5, 7, 8] && stand.scan.mark?.block == 1_004)
    }

    @Test func `a recipient that comes later is waited for from then on`() async throws {
        var stand = Stand()
        stand.pay(5, to: Self.other)
        try await stand.step()
        stand.pay(6, to: Self.other)
        try await stand.step([Self.seller, Self.other])
        #expect(stand.values == [6])
    }

    @Test(arguments: [BlockDepth.blocks(3), .safe, .finalized])
    func `what is not deep enough waits`(depth: BlockDepth) async throws {
        var stand = Stand()
        stand.depth = depth
        stand.chains[0].finalityDepth = 2
        stand.pay(5)
        try await stand.step()
        #expect(stand.values.isEmpty)
        stand.chains[0].mine(blocks: 2)
        try await stand.step()
        #expect(stand.values == [5])
    }

    @Test func `what a reorganisation moved is handed on again, and what it took is not`() async throws {
        var stand = Stand()
        stand.chains[0].finalityDepth = 50
        stand.pay(5)
        try await stand.step()
        stand.chains[0].reorganise(depth: 1, returnsTransactions: false)
        stand.pay(6)
        #expect(try await stand.step() == .upToDate)
        #expect(stand.values == [5, 6])
        #expect(stand.found[1].blockHash != stand.found[0].blockHash)
    }

    @Test func `what somebody cannot take is handed on again`() async throws {
        struct Full: Error {}
        var stand = Stand()
        stand.pay(5)
        let watch = TransferWatch(
            nodes: [stand.chains[0].client()], tokens: [SimulatedEVMChain.token], depth: .blocks(1))
        await #expect(throws: Full.self) {
            try await watch.advance(&stand.scan, recipients: { [Self.seller] }) { _, _ in throw Full() }
        }
        try await stand.step()
        #expect(stand.values == [5])
    }

    @Test func `a node that takes few blocks at once is asked for fewer`() async throws {
        var stand = Stand()
        stand.chains[0].mine(blocks: 300)
        stand.pay(5)
        stand.chains[0].setFault { method, params in
            guard method == "eth_getLogs", let first = params.first?["fromBlock"]?.string.flatMap({ UInt256(hex: $0)?.uint64 }),
                let last = params.first?["toBlock"]?.string.flatMap({ UInt256(hex: $0)?.uint64 }), last - first >= 50
            else { return nil }
            return .error(code: -32_005, message: "query exceeds max block range 50")
        }
        #expect(try await stand.step() == .upToDate)
        #expect(stand.values == [5])
    }

    @Test func `of two nodes the lower head counts`() async throws {
        var stand = Stand(nodes: 2)
        stand.pay(5)
        stand.chains[0].submit(ERC20.transfer(to: Self.seller, value: 6), from: Self.buyer)
        #expect(try await stand.step() == .upToDate)
        #expect(stand.values == [5] && stand.scan.mark?.block == 1_001)
    }

    @Test func `of three nodes one may stand still`() async throws {
        var stand = Stand(nodes: 3)
        stand.pay(5)
        for chain in stand.chains.dropFirst() { chain.submit(ERC20.transfer(to: Self.seller, value: 6), from: Self.buyer) }
        #expect(try await stand.step() == .upToDate)
        #expect(stand.values == [5, 6])
    }

    @Test func `a log about which one of two nodes is silent is handed on all the same`() async throws {
        var stand = Stand(nodes: 2)
        stand.pay(5)
        stand.chains[0].setFault { method, _ in method == "eth_getLogs" ? .result([]) : nil }
        #expect(try await stand.step() == .upToDate)
        #expect(stand.values == [5])
    }

    @Test func `nodes on different chains move nothing`() async throws {
        var stand = Stand(nodes: 2)
        stand.chains[0].finalityDepth = 50
        stand.chains[1].finalityDepth = 50
        stand.pay(5)
        stand.chains[1].reorganise(depth: 1, returnsTransactions: false)
        guard case .failed = try await stand.step() else {
            Issue.record("two nodes that know a block by different hashes were believed")
            return
        }
        #expect(stand.values.isEmpty)
        stand.chains[0].reorganise(depth: 1, returnsTransactions: false)
        stand.pay(6)
        try await stand.step()
        #expect(stand.values == [6])
    }

    @Test(arguments: ["eth_getLogs", "eth_getBlockByNumber"])
    func `a node that says nothing, or nonsense, moves nothing`(method: String) async throws {
        for fault in [
            SimulatedEVMChain.Fault.result(.null), .result("0x"), .error(code: -32_000, message: "header not found"),
        ] {
            var stand = Stand()
            stand.pay(5)
            stand.chains[0].setFault { asked, _ in asked == method ? fault : nil }
            guard case .failed = try await stand.step() else {
                Issue.record("\(fault) to \(method) was believed")
                continue
            }
            #expect(stand.values.isEmpty)
            stand.chains[0].setFault { _, _ in nil }
            try await stand.step()
            #expect(stand.values == [5])
        }
    }

    @Test func `without enough nodes that answer nothing is read`() async throws {
        var stand = Stand(nodes: 2)
        stand.pay(5)
        stand.chains[1].weather = .down
        guard case .failed = try await stand.step() else {
            Issue.record("one of two nodes was believed alone")
            return
        }
        stand.chains[1].weather = .fine
        try await stand.step()
        #expect(stand.values == [5])
    }
}
