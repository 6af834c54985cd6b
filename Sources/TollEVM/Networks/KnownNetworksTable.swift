// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// See ``KnownNetworks`` for where this comes from. Left to itself by the formatter, so that a token is a line.
// swift-format-ignore
let knownNetworks: [KnownNetwork] = [
    network(8453, "Base", v1: "base", [
        .eip3009("USDC", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USD Coin", "2"),
    ]),
    network(84532, "Base Sepolia", v1: "base-sepolia", isTestnet: true, [
        .eip3009("USDC", "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC", "2"),
    ]),
    network(1, "Ethereum", v1: "ethereum", [
        .eip3009("USDC", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USD Coin", "2"),
    ]),
    network(43114, "Avalanche C-Chain", v1: "avalanche", [
        .eip3009("USDC", "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", "USD Coin", "2"),
    ]),
    network(4326, "MegaETH", v1: "megaeth", [
        .permit2("MegaUSD", "0xFAfDdbb3FC7688494971a79cc65DCa3EF82079E7", "MegaUSD", "1", decimals: 18, supportsEIP2612: true),
    ]),
    network(143, "Monad", v1: "monad", [
        .eip3009("USDC", "0x754704Bc059F8C67012fEd69BC8A327a5aafb603", "USDC", "2"),
    ]),
    network(10143, "Monad Testnet", v1: "monad-testnet", isTestnet: true, [
        .eip3009("USDC", "0x534b2f3A21130d7a60830c2Df862319e593943A3", "USDC", "2"),
    ]),
    network(988, "Stable", v1: "stable", [
        .eip3009("USDT0", "0x779Ded0c9e1022225f8E0630b35a9b54bE713736", "USDT0", "1"),
    ]),
    network(2201, "Stable Testnet", v1: "stable-testnet", isTestnet: true, [
        .eip3009("USDT0", "0x78Cf24370174180738C5B8E352B6D14c83a6c9A9", "USDT0", "1"),
    ]),
    network(137, "Polygon", v1: "polygon", [
        .eip3009("USDC", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "USD Coin", "2"),
    ]),
    network(42161, "Arbitrum One", [
        .eip3009("USDC", "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", "USD Coin", "2"),
    ]),
    network(421614, "Arbitrum Sepolia", isTestnet: true, [
        .eip3009("USDC", "0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d", "USD Coin", "2"),
    ]),
    network(31612, "Mezo", [
        .permit2("mUSD", "0xdD468A1DDc392dcdbEf6db6e34E89AA338F9F186", "Mezo USD", "1", decimals: 18, supportsEIP2612: true),
    ]),
    network(31611, "Mezo Testnet", isTestnet: true, [
        .permit2("mUSD", "0x118917a40FAF1CD7a13dB0Ef56C86De7973Ac503", "Mezo USD", "1", decimals: 18, supportsEIP2612: true),
    ]),
    network(723487, "Radius", [
        .permit2("SBC", "0x33ad9e4BD16B69B5BFdED37D8B5D9fF9aba014Fb", "Stable Coin", "1", decimals: 6, supportsEIP2612: true),
    ]),
    network(72344, "Radius Testnet", isTestnet: true, [
        .permit2("SBC", "0x33ad9e4BD16B69B5BFdED37D8B5D9fF9aba014Fb", "Stable Coin", "1", decimals: 6, supportsEIP2612: true),
    ]),
    network(36900, "ADI Chain", [
        .eip3009("USDC.e", "0x9cb8142aEBBcdc60AF7c97Af897A67A8f3CA71C2", "USDC.e", "2"),
    ]),
    network(190415, "HPP", [
        .eip3009("USDC.e", "0x401eCb1D350407f13ba348573E5630B83638E30D", "Bridged USDC", "2"),
    ]),
    network(181228, "HPP Sepolia", isTestnet: true, [
        .eip3009("USDC.e", "0x401eCb1D350407f13ba348573E5630B83638E30D", "Bridged USDC", "2"),
    ]),
    network(50, "XDC", [
        .eip3009("USDC", "0xfA2958CB79b0491CC627c1557F441eF849Ca8eb1", "USDC", "2"),
    ]),
    network(51, "XDC Apothem", isTestnet: true, [
        .eip3009("USDC", "0xb5AB69F7bBada22B28e79C8FFAECe55eF1c771D4", "USDC", "2"),
    ]),
    network(38833, "Igra", [
        .permit2("USDC", "0xA5b8BF902b2844dA17d4506cc827F7F1681735E7", "USDC", "1", decimals: 6),
    ]),
    network(14, "Flare", v1: "flare", [
        .eip3009("USDT0", "0xe7cd86e13AC4309349F30B3435a9d337750fC82D", "USD₮0", "1"),
    ]),
    network(42220, "Celo", v1: "celo", [
        .eip3009("USDC", "0xcebA9300f2b948710d2653dD7B07f33A8B32118C", "USDC", "2"),
        .eip3009("USDT", "0x48065fbBE25f71C9282ddf5e1cD6D6A887483D5e", "Tether USD", "1"),
        .eip3009("USAT", "0xD2ab3C9A02DBBAB236BfEC45D1d755DF4267F771", "Tether America USD", "1"),
    ]),
    network(11_142_220, "Celo Sepolia", isTestnet: true, [
        .eip3009("USDC", "0x01C5C0122039549AD1493B8220cABEdD739BC44E", "USDC", "2"),
    ]),
    network(1329, "Sei", v1: "sei", [
        .eip3009("USDC", "0xe15fC38F6D8c56aF07bbCBe3BAf5708A2Bf42392", "USDC", "2"),
    ]),
    network(1328, "Sei Testnet", v1: "sei-testnet", isTestnet: true, [
        .eip3009("USDC", "0x4fCF1784B31630811181f670Aea7A7bEF803eaED", "USDC", "2"),
    ]),
    network(5042, "Arc", [
        .eip3009("USDC", "0x3600000000000000000000000000000000000000", "USDC", "2"),
    ]),
    network(5042002, "Arc Testnet", isTestnet: true, [
        .eip3009("USDC", "0x3600000000000000000000000000000000000000", "USDC", "2"),
    ]),
    network(43113, "Avalanche Fuji", v1: "avalanche-fuji", isTestnet: true, [
        .eip3009("USDC", "0x5425890298aed601595a70AB815c96711a31Bc65", "USD Coin", "2"),
    ]),
    network(80002, "Polygon Amoy", v1: "polygon-amoy", isTestnet: true, [
        .eip3009("USDC", "0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582", "USDC", "2"),
    ]),
    network(4689, "IoTeX", v1: "iotex", [
        .eip3009("USDC", "0xcdf79194c6c285077a58da47641d4dbe51f63542", "Bridged USDC", "2"),
    ]),
    network(3338, "peaq", v1: "peaq", [
        .eip3009("USDC", "0xbbA60da06c2c5424f03f7434542280FCAd453d10", "USDC", "2"),
    ]),
    network(2741, "Abstract", v1: "abstract", [
        .eip3009("USDC", "0x84a71ccd554cc1b02749b35d22f684cc8ec987e1", "Bridged USDC", "2"),
    ]),
    network(11124, "Abstract Testnet", v1: "abstract-testnet", isTestnet: true, [
        .eip3009("USDC", "0xe4C7fBB0a626ed208021ccabA6Be1566905E2dFc", "Bridged USDC", "2"),
    ]),
    network(1514, "Story", [
        .eip3009("USDC", "0xF1815bd50389c46847f0Bda824eC8da914045D14", "Bridged USDC", "2"),
    ]),
    network(41923, "EDU Chain", [
        .eip3009("USDC", "0x12a272A581feE5577A5dFa371afEB4b2F3a8C2F8", "Bridged USDC (Stargate)", "2"),
    ]),
    network(324_705_682, "SKALE Base Sepolia", isTestnet: true, [
        .eip3009("USDC", "0x2e08028E3C4c2356572E096d8EF835cD5C6030bD", "Bridged USDC (SKALE Bridge)", "2"),
    ]),
    network(1440000, "XRPL EVM", [
        .permit2("USDC", "0xDaF4556169c4F3f2231d8ab7BC8772Ddb7D4c84C", "USDC", "1", decimals: 15),
    ]),
]

private func network(
    _ number: UInt64,
    _ name: String,
    v1: String? = nil,
    isTestnet: Bool = false,
    _ assets: [KnownAsset]
) -> KnownNetwork {
    KnownNetwork(chainID: ChainID(eip155: number), name: name, v1Name: v1, isTestnet: isTestnet, assets: assets)
}

extension KnownAsset {
    fileprivate static func eip3009(_ symbol: String, _ address: String, _ name: String, _ version: String) -> KnownAsset {
        KnownAsset(
            symbol: symbol,
            address: Address(hex: address)!,
            decimals: 6,
            eip712Name: name,
            eip712Version: version,
            transferMethod: .eip3009,
            supportsEIP2612: false
        )
    }

    fileprivate static func permit2(
        _ symbol: String,
        _ address: String,
        _ name: String,
        _ version: String,
        decimals: Int,
        supportsEIP2612: Bool = false
    ) -> KnownAsset {
        KnownAsset(
            symbol: symbol,
            address: Address(hex: address)!,
            decimals: decimals,
            eip712Name: name,
            eip712Version: version,
            transferMethod: .permit2,
            supportsEIP2612: supportsEIP2612
        )
    }
}
