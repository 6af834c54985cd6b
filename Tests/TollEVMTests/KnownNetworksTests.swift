// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPrimitives

struct KnownNetworksTests {
    @Test(arguments: KnownNetworks.all)
    func `a network is found by its id and its v1 name`(network: KnownNetwork) {
        #expect(KnownNetworks.network(network.chainID) == network)
        #expect(network.chainID.eip155 != nil)
        if let name = network.v1Name { #expect(KnownNetworks.network(v1Name: name) == network) }
        #expect(network.asset(symbol: network.defaultAsset.symbol) == network.defaultAsset)
        for asset in network.assets { #expect(network.asset(asset.address) == asset) }
    }

    @Test func `ids and v1 names are unique`() {
        #expect(Set(KnownNetworks.all.map(\.chainID)).count == KnownNetworks.all.count)
        let names = KnownNetworks.all.compactMap(\.v1Name)
        #expect(Set(names).count == names.count)
    }

    /// x402-wire §3, the names in the Python SDK whose meaning is undisputed and that have a default asset.
    @Test(arguments: [
        ("base", 8453), ("base-sepolia", 84532), ("ethereum", 1), ("polygon", 137), ("polygon-amoy", 80002), ("avalanche", 43114),
        ("avalanche-fuji", 43113), ("abstract", 2741), ("abstract-testnet", 11124), ("iotex", 4689), ("sei", 1329),
        ("sei-testnet", 1328), ("peaq", 3338), ("megaeth", 4326), ("monad", 143), ("monad-testnet", 10143), ("stable", 988),
        ("stable-testnet", 2201), ("celo", 42220), ("flare", 14),
    ])
    func `v1 names mean what the SDKs mean`(name: String, number: Int) {
        #expect(KnownNetworks.network(v1Name: name)?.chainID == ChainID(eip155: UInt64(number)))
    }

    @Test(arguments: ["story", "educhain", "skale-base-sepolia", "solana", "Base", "eip155:8453", ""])
    func `disputed and unknown names mean nothing`(name: String) {
        #expect(KnownNetworks.network(v1Name: name) == nil)
    }

    @Test func `the table's domains give the separators that the contracts have`() throws {
        let sepolia = try #require(KnownNetworks.network(ChainID(eip155: 84532)))
        #expect(sepolia.isTestnet)
        #expect(sepolia.defaultAsset.domain(chainID: 84532) == usdcDomain)
        // DOMAIN_SEPARATOR() of USDC on Ethereum and on Base.
        let ethereum = try #require(KnownNetworks.network(v1Name: "ethereum")).defaultAsset.domain(chainID: 1)
        #expect(ethereum.separator == word("0x06c37168a7db5138defc7866392bb87a741f9b3d104deb5094588ce041cae335"))
        let base = try #require(KnownNetworks.network(v1Name: "base")).defaultAsset.domain(chainID: 8453)
        #expect(base.separator == word("0x02fa7265e7c5d81118673727957699e4d68f74cd74b7db77da710fe8a2c7834f"))
    }

    @Test func `what Permit2 moves says so`() throws {
        let mega = try #require(KnownNetworks.network(v1Name: "megaeth")).defaultAsset
        #expect(mega.transferMethod == .permit2)
        #expect(mega.supportsEIP2612)
        #expect(mega.decimals == 18)
        let celo = try #require(KnownNetworks.network(v1Name: "celo"))
        #expect(celo.assets.map(\.symbol) == ["USDC", "USDT", "USAT"])
        #expect(celo.asset(symbol: "USDT")?.eip712Name == "Tether USD")
        #expect(celo.asset(symbol: "DAI") == nil)
    }
}
