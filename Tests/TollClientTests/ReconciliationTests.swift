// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollHTTP

@Suite struct ReconciliationTests {
    private func openShop() async -> Shop {
        let shop = Shop([Market.challenge([Market.option()]), .fail(HTTPError(.disconnected, "reset"))])
        #expect(await shop.buy().report.exitStatus == 23)
        return shop
    }

    private func run(_ shop: Shop, isUsed: Bool?) async throws -> [Reconciliation.Finding] {
        try await Reconciliation(journal: shop.journal, chain: FixedChain(isUsed: isUsed), environment: shop.stage.environment)
            .run().map(\.1)
    }

    @Test func `while an authorization can still be used, the chain is not asked`() async throws {
        let shop = await self.openShop()
        shop.stage.advance(by: 420)
        #expect(try await self.run(shop, isUsed: false).isEmpty)
        #expect(try shop.spentToday == Dollars(micros: 1_000))
    }

    @Test func `an authorization that ended unused is given back to the budget`() async throws {
        let shop = await self.openShop()
        shop.stage.advance(by: 421)
        #expect(try await self.run(shop, isUsed: false) == [.notSpent])
        #expect(try shop.spentToday == Dollars(0))
        #expect(try await self.run(shop, isUsed: false).isEmpty)
    }

    @Test func `an authorization that was used is paid`() async throws {
        let shop = await self.openShop()
        shop.stage.advance(by: 421)
        #expect(try await self.run(shop, isUsed: true) == [.paid])
        #expect(try shop.spentToday == Dollars(micros: 1_000))
    }

    @Test func `without a node nothing is decided`() async throws {
        let shop = await self.openShop()
        shop.stage.advance(by: 421)
        #expect(try await self.run(shop, isUsed: nil) == [.noAnswer])
        #expect(try await self.run(shop, isUsed: nil) == [.noAnswer])
        #expect(try shop.spentToday == Dollars(micros: 1_000))
    }

    @Test func `a refused payment counts until the chain clears it`() async throws {
        let shop = Shop([Market.challenge([Market.option()]), .answer(402, [:], "{}")])
        #expect(await shop.buy().report.exitStatus == 22)
        #expect(try shop.spentToday == Dollars(micros: 1_000))
        shop.stage.advance(by: 421)
        #expect(try await self.run(shop, isUsed: false) == [.notSpent])
        #expect(try shop.spentToday == Dollars(0))
    }
}
