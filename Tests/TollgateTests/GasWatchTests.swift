// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import tollgate

/// Signers that run out of gas are told of.
@Suite struct GasWatchTests {
    let time = ManualTime(start: .seconds(1_800_000_000))
    let store = MemoryPaymentStore()
    let key = PrivateKey(bytes: [UInt8](repeating: 9, count: 32))!  // Any number of 32 bytes below the curve's order.
    let chain: SimulatedEVMChain
    let watch: GasWatch
    let network: ExactEVMNetwork

    init() {
        let environment = self.time.environment
        self.chain = SimulatedEVMChain(clock: environment.wallClock)
        self.network = ExactEVMNetwork(
            chain: ChainID(eip155: 84_532), client: self.chain.client(), signers: SignerPool([self.key]),
            confirmations: .blocks(1))
        self.watch = GasWatch(
            networks: [self.network], outbox: self.store, environment: environment,
            log: Logger(level: .debug, clock: { .zero }) { _ in })
    }

    private func notices() async throws -> [Notice] {
        try await self.store.takeNotices(of: "a", limit: 10, leaseSeconds: 1, at: 2_000_000_000)
    }

    @Test func `an account that cannot pay for a hundred settlements is told of once a day`() async throws {
        try await self.store.subscribe(["a"], at: 0)
        let settlement = UInt256(self.chain.baseFee).multiplied(by: 2 * 100_000) ?? .max
        self.chain.fund(settlement.multiplied(by: 100) ?? .max, self.key.address)
        await self.watch.look(at: self.network)
        #expect(try await self.notices().isEmpty)
        self.chain.fund(settlement.multiplied(by: 99) ?? .max, self.key.address)
        for _ in 0..<3 { await self.watch.look(at: self.network) }
        let told = try await self.notices()
        #expect(told.map(\.kind) == ["low_gas"])
        guard case .other(let detail)? = told.first?.subject else { return }
        let json = try JSON(parsing: detail)
        #expect(json["settlementsLeft"]?.integer == 99 && json["signer"] == .string(self.key.address.description))
        self.time.advance(by: .seconds(86_400))
        await self.watch.look(at: self.network)
        #expect(try await self.notices().count == 1)  // The first is leased.
    }

    @Test func `a node that does not answer tells of nothing`() async throws {
        try await self.store.subscribe(["a"], at: 0)
        self.chain.fund(0, self.key.address)
        self.chain.weather = .down
        await self.watch.look(at: self.network)
        #expect(try await self.notices().isEmpty)
    }
}
