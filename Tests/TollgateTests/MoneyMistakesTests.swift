// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollRuntime

@testable import tollgate

@Suite struct MoneyMistakesTests {
    // MARK: Routes and prices

    static let routes = [
        Mistake(
            "neither price nor free",
            Fixture.route("settle: after"),
            "8: error: routes[0]: has no price, and is not free; write `price: $0.001`, or `free: true`"
        ),
        Mistake(
            "free: false is no price",
            Fixture.route("free: false"),
            "8: error: routes[0]: has no price, and is not free; write `price: $0.001`, or `free: true`"
        ),
        Mistake(
            "neither free nor not",
            Fixture.route("free: yes"),
            "8: error: routes[0].free: `yes` is neither `true` nor `false`; write `true` or `false`"
        ),
        Mistake(
            "free with a price",
            Fixture.route("free: true, price: $1"),
            "8: error: routes[0].price: the route is free and has a price; remove `price` or `free`"
        ),
        Mistake(
            "free with settings of a price",
            Fixture.route("free: true, settle: before, max_timeout: 60s"),
            "8: warning: routes[0].settle: does nothing on a free route; remove the line",
            "8: warning: routes[0].max_timeout: does nothing on a free route; remove the line"
        ),
        Mistake(
            "zero",
            Fixture.route("price: $0.00"),
            "8: error: routes[0].price: the price is zero; write `free: true` instead of `price`"
        ),
        Mistake(
            "zero, exactly",
            Fixture.route("price: {amount: \"0\", asset: USDC, network: \"eip155:84532\"}"),
            "8: error: routes[0].price.amount: the price is zero; write `free: true` instead of `price`"
        ),
        Mistake(
            "no dollar sign",
            Fixture.route("price: 0.001"),
            "8: error: routes[0].price: `0.001` is no amount of dollars; write `$0.001`"
        ),
        Mistake(
            "another currency",
            Fixture.route("price: 1 EUR"),
            "8: error: routes[0].price: `1 EUR` is no amount of dollars; write for example `$0.001`, or `{amount: "
                + "\"1000\", asset: USDC, network: eip155:84532}`"
        ),
        Mistake(
            "more decimals than the asset",
            Fixture.route("price: $0.0000015"),
            "8: error: routes[0].price: `$0.0000015` has 7 decimals, and USDC on eip155:84532 has 6; write a multiple of "
                + "`$0.000001`"
        ),
        Mistake(
            "more than there can be",
            Fixture.route("price: $1\(String(repeating: "0", count: 74))"),
            "8: error: routes[0].price: `$1\(String(repeating: "0", count: 55))…` is more than there can be of USDC; "
                + "write a smaller price"
        ),
        Mistake(
            "an amount with a point",
            Fixture.route("price: {amount: \"0.5\", asset: USDC, network: \"eip155:84532\"}"),
            "8: error: routes[0].price.amount: `0.5` is no amount; write a whole number of the asset's smallest unit, "
                + "for example `\"1000\"` for 0.001 USDC"
        ),
        Mistake(
            "an exact price without its asset",
            Fixture.route("price: {amount: \"5\", network: \"eip155:84532\"}"),
            "8: error: routes[0].price: `asset` is missing; write for example `asset: USDC`"
        ),
        Mistake(
            "an asset that is not configured",
            Fixture.route("price: $1, assets: [USDT]"),
            "8: error: routes[0].assets[0]: no asset `USDT` is configured; configured are `USDC`"
        ),
        Mistake(
            "a network that is not configured",
            Fixture.route("price: $1, networks: [\"eip155:8453\"]"),
            "8: error: routes[0].networks[0]: the network eip155:8453 is not configured; configured are `eip155:84532`"
        ),
        Mistake(
            "a network by its old name",
            Fixture.route("price: $1, networks: [base-sepolia]"),
            "8: error: routes[0].networks[0]: `base-sepolia` is no CAIP-2 id of a network; write `eip155:84532`"
        ),
        Mistake(
            "an empty list of networks",
            Fixture.route("price: $1, networks: []"),
            "8: error: routes[0].networks: is empty; name a network, or remove the line"
        ),
        Mistake(
            "an empty list of prices",
            Fixture.route("price: []"),
            "8: error: routes[0].price: is empty; write `$0.001`, or `free: true`"
        ),
        Mistake(
            "two prices of one asset",
            Fixture.route("price: [$1, $2]"),
            "8: error: routes[0].price[1]: USDC on eip155:84532 is priced twice; write one price for each asset and network"
        ),
        Mistake(
            "an upstream that is not configured",
            Fixture.text(route: "{match: /a, upstream: wether, price: $1}"),
            "6: warning: upstreams.weather: no route leads here; name it in a route, or remove it",
            "8: error: routes[0].upstream: no upstream `wether` is configured; write `weather`"
        ),
        Mistake(
            "a pattern with a query",
            Fixture.text(route: "{match: \"GET /a?b\", upstream: weather, price: $1}"),
            "8: error: routes[0].match: `?` cannot stand within a segment; write `*` in place of the segment"
        ),
        Mistake(
            "a name in braces without quotes",
            Fixture.text(route: "{match: /a/{b}, upstream: weather, price: $1}"),
            "8: error: not YAML: while parsing a flow mapping: did not find expected ',' or '}'; quote text that has "
                + "`{`, `}`, `[`, `]` or `,` in it"
        ),
        Mistake(
            "a pattern behind one that takes all",
            Fixture.text(
                route: "{match: /a/**, upstream: weather, price: $1}\n  - {match: GET /a/b, upstream: weather, free: true}"
            ),
            "9: warning: routes[1].match: is never reached: `/a/**` on line 8 matches all that it does; put it before "
                + "that line, or remove it"
        ),
        Mistake(
            "an authorization that is too short",
            Fixture.route("price: $1, max_timeout: 9s"),
            "8: error: routes[0].max_timeout: `9s` is out of range; write a duration from `10s` to `1d`"
        ),
        Mistake(
            "an unknown dialect",
            Fixture.route("price: $1, accept: [x402, x402v1]"),
            "8: error: routes[0].accept[1]: `x402v1` is not known here; write `x402-v1`"
        ),
        Mistake(
            "no dialect",
            Fixture.route("price: $1, accept: []"),
            "8: error: routes[0].accept: is empty, so that nobody could pay; write `accept: [x402, x402-v1]`"
        ),
        Mistake(
            "a dialect that has no name for the network",
            Fixture.text(
                network: "eip155:42161: {rpc: https://a.example}",
                route: "{match: /a, upstream: weather, price: $1, accept: x402-v1}"
            ),
            "8: error: routes[0]: x402-v1 has no name for eip155:42161, so that nobody could pay; write `accept: [x402, "
                + "x402-v1]`"
        ),
        Mistake(
            "a description of two lines",
            Fixture.route("price: $1, description: \"a\\nb\""),
            "8: error: routes[0].description: is too long, or has line breaks or controls; write one line of at most 1000 bytes"
        ),
        Mistake(
            "a misspelt key",
            Fixture.route("pricee: $1"),
            "8: error: routes[0].pricee: unknown key; write `price`",
            "8: error: routes[0]: has no price, and is not free; write `price: $0.001`, or `free: true`"
        ),
        Mistake(
            "a key without a value",
            Fixture.route("price: "),
            "8: error: routes[0].price: has no value; write a value, or remove the line"
        ),
        Mistake(
            "test money for real goods",
            Fixture.text(network: "eip155:84532: {rpc: https://a.example}\n  eip155:8453: {rpc: https://b.example}"),
            "9: warning: routes[0]: can be paid with test money on eip155:84532 as well as with money on eip155:8453; "
                + "choose with `networks: [eip155:8453]`"
        ),
        Mistake(
            "an asset that is no dollar",
            Fixture.text(
                network: "eip155:8453: {rpc: https://a.example}",
                route: "{match: /a, upstream: weather, price: $1, assets: EURC}"
            ),
            "8: error: routes[0].price: EURC on eip155:8453 is not known to be worth a dollar; write `{amount: \"…\", "
                + "asset: EURC, network: eip155:8453}`, or `dollar: true` at the asset"
        ),
    ]

    @Test(arguments: routes)
    func `a mistake in a route is found`(mistake: Mistake) { mistake.check() }

    // MARK: Money

    static let money = [
        Mistake(
            "a wrong capital in an address",
            Fixture.text(payTo: "pay_to: {eip155: \"0x209693bc6afc0C5328bA36FaF03C514EF312287C\"}"),
            "4: error: pay_to.eip155: the address `0x209693bc6afc0C5328bA36FaF03C514EF312287C` does not fit its "
                + "checksum: a digit or a capital is wrong; copy it again from its source; "
                + "`\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"` only if its digits are right"
        ),
        Mistake(
            "an address in lower case",
            Fixture.text(payTo: "pay_to: {eip155: \"0x209693bc6afc0c5328ba36faf03c514ef312287c\"}"),
            "4: warning: pay_to.eip155: the address is in one case, so that a wrong digit would go unseen; compare it "
                + "with its source, then write `\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"`"
        ),
        Mistake(
            "a name for an address",
            Fixture.text(payTo: "pay_to: {eip155: vitalik.eth}"),
            "4: error: pay_to.eip155: `vitalik.eth` is no address of 0x and 40 hexadecimal digits; write the address in "
                + "quotes, for example `\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"`"
        ),
        Mistake(
            "the zero address",
            Fixture.text(payTo: "pay_to: {eip155: \"0x0000000000000000000000000000000000000000\"}"),
            "4: error: pay_to.eip155: money sent to the zero address is lost; write an address you hold the key of"
        ),
        Mistake(
            "the token's own address",
            Fixture.text(payTo: "pay_to: {eip155: \"\(Fixture.usdcOnBaseSepolia)\"}"),
            "8: error: routes[0]: payments would go to the contract of USDC itself, and be lost; write your own address "
                + "in `pay_to`"
        ),
        Mistake(
            "nobody to pay",
            Fixture.text(payTo: ""),
            "3: error: networks.eip155:84532: nothing says who receives the payments here; write `pay_to: {eip155: \"0x…\"}`"
        ),
        Mistake(
            "a receiver for one network of two, and one route of its own",
            Fixture.text(
                network: "eip155:84532: {rpc: https://a.example}\n  eip155:42161: {rpc: https://b.example}",
                payTo: "pay_to: {\"eip155:84532\": \"\(Fixture.receiver)\"}",
                route: "{match: /a, upstream: weather, price: $1, networks: \"eip155:84532\"}\n"
                    + "  - {match: /b, upstream: weather, price: $1, networks: \"eip155:42161\", "
                    + "pay_to: \"\(Fixture.receiver)\"}\n"
                    + "  - {match: /c, upstream: weather, price: $1, networks: \"eip155:42161\"}"
            ),
            "4: error: networks.eip155:42161: nothing says who receives the payments here; write `pay_to: {eip155: \"0x…\"}`"
        ),
        Mistake(
            "a receiver on a chain of a later version",
            Fixture.text(payTo: "pay_to: {eip155: \"\(Fixture.receiver)\", solana: x, evm: y}"),
            "4: error: pay_to.solana: receivers on `solana` are not available in this version; write `eip155`, or the "
                + "CAIP-2 id of one network",
            "4: error: pay_to.evm: `evm` is no kind of network; write `eip155`, or the CAIP-2 id of one network"
        ),
        Mistake(
            "no facilitator",
            Fixture.text(facilitator: ""),
            "8: error: routes[0].price: nobody settles: `facilitator` is missing; write `facilitator: {signers: {eip155: "
                + "[\"env:TOLLGATE_EVM_KEY\"]}}`, or `{remote: [https://…]}`"
        ),
        Mistake(
            "an empty facilitator",
            Fixture.text(facilitator: "facilitator: {}"),
            "5: error: facilitator: is empty; write `signers` or `remote`"
        ),
        Mistake(
            "no network",
            "pay_to: {eip155: \"\(Fixture.receiver)\"}\nfacilitator: {remote: \"https://a.example\"}\n"
                + "upstreams: {a: \"http://b:1\"}\nroutes: [{match: /, upstream: a, price: $1}]",
            "4: error: routes[0].price: no network is configured to be paid on; describe one under `networks`"
        ),
        Mistake(
            "signers without an RPC server",
            Fixture.text(network: "eip155:84532: {}"),
            "3: error: networks.eip155:84532: has no RPC server to settle through; write `rpc: [https://…]`, or "
                + "`[env:NAME]` where the URL holds a key"
        ),
        Mistake(
            "a remote facilitator without an RPC server",
            Fixture.text(network: "eip155:84532: {}", facilitator: "facilitator: {remote: https://a.example}"),
            "3: warning: networks.eip155:84532: has no RPC server, so that nothing can be compared with the chain; write "
                + "`rpc: [https://…]`, or `[env:NAME]` where the URL holds a key"
        ),
        Mistake(
            "networks that are none",
            Fixture.text(
                network: "base: {}\n  eip155:01: {}\n  solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp: {}\n  eip155:99: {}\n  "
                    + "eip155:84532: {rpc: https://a.example}"
            ),
            "3: error: networks.base: `base` is no CAIP-2 id of a network; write `eip155:8453`",
            "4: error: networks.eip155:01: `eip155:01` is no CAIP-2 id of a network; write for example `eip155:84532`",
            "5: error: networks.solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp: networks of `solana` are not available in this "
                + "version; write an `eip155` network",
            "6: error: networks.eip155:99: no asset of eip155:99 is known here; write `assets: {USDC: {address: \"0x…\", "
                + "decimals: 6, name: USDC, version: \"2\"}}`"
        ),
        Mistake(
            "an asset of which little is known",
            Fixture.text(network: "eip155:84532: {rpc: https://a.example, assets: {X: {decimals: 37, name: X, adress: y}}}"),
            "3: error: networks.eip155:84532.assets.X.adress: unknown key; write `address`",
            "3: error: networks.eip155:84532.assets.X: `address` is missing; write for example `address: \"0x…\"`",
            "3: error: networks.eip155:84532.assets.X: `version` is missing; write for example `version: \"2\"`",
            "3: error: networks.eip155:84532.assets.X.decimals: 37 is out of range; write a whole number from 0 to 36"
        ),
        Mistake(
            "depths that are none",
            Fixture.text(
                network: "eip155:84532: {rpc: https://a.example, confirmations: latest}\n  "
                    + "eip155:8453: {rpc: https://a.example, confirmations: 0}",
                route: "{match: /a, upstream: weather, price: $1, networks: [\"eip155:8453\"]}"
            ),
            "3: error: networks.eip155:84532.confirmations: `latest` is no depth of a block; write a number of blocks, "
                + "`safe` or `finalized`",
            "4: error: networks.eip155:8453.confirmations: 0 is out of range; write a whole number from 1 to 10000"
        ),
        Mistake(
            "RPC URLs with mistakes, of which none is printed",
            Fixture.text(network: "eip155:84532: {rpc: [\"https://user:hunter2@a.example\", env:BAD_RPC, env:NONE, \"ws://a\"]}"),
            "3: error: networks.eip155:84532.rpc[0]: the URL carries a user name or password; leave it out; credentials "
                + "are references, such as `headers: {Authorization: env:NAME}`",
            "3: error: networks.eip155:84532.rpc[1]: what `env:BAD_RPC` holds: is no http or https URL; write for "
                + "example `https://api.example.com`",
            "3: error: networks.eip155:84532.rpc[2]: the environment variable NONE is not set; set NONE before the "
                + "start, or name another reference",
            "3: error: networks.eip155:84532.rpc[3]: is no http or https URL; write for example `https://api.example.com`"
        ),
    ]

    @Test(arguments: money)
    func `a mistake about money is found`(mistake: Mistake) { mistake.check() }

    // MARK: Limits, one below and one above

    @Test func `a challenge has at most 16 ways to pay`() {
        func text(assetCount: Int) -> String {
            let symbols = (0..<assetCount).map { "T\($0)" }
            let entries = symbols.enumerated().map { index, symbol in
                let address = "0x" + String(repeating: "0", count: 38) + String(index + 10)
                return "\(symbol): {address: \"\(address)\", decimals: 6, name: T, version: \"1\", dollar: true}"
            }
            let network = "eip155:1337: {rpc: https://a.example, assets: {\(entries.joined(separator: ", "))}}"
            return Fixture.text(network: network, route: "{match: /, upstream: weather, price: $1, assets: \(symbols)}")
        }
        #expect(Fixture.read(text(assetCount: 16)).configuration?.routes[0].options.count == 16)
        Mistake(
            "",
            text(assetCount: 17),
            "8: error: routes[0].price: offers 17 ways to pay, more than the 16 that fit a challenge; "
                + "choose some with `networks` and `assets`"
        ).check()
    }

    @Test func `there are at most 2000 routes, and descriptions of 1000 bytes`() {
        func routes(_ count: Int) -> String {
            (0..<count).map { "{match: /\($0), upstream: weather, free: true}" }.joined(separator: "\n  - ")
        }
        #expect(Fixture.read(Fixture.text(route: routes(2_000))).configuration?.routes.count == 2_000)
        Mistake(
            "",
            Fixture.text(route: routes(2_001)),
            "7: error: routes: has 2001 routes, more than 2000; let patterns stand for several paths"
        ).check()
        let longest = String(repeating: "x", count: 1_000)
        #expect(Fixture.read(Fixture.route("price: $1, description: \(longest)")).findings.text.isEmpty)
        #expect(Fixture.read(Fixture.route("price: $1, description: \(longest)x")).findings.count(.error) == 1)
    }
}
