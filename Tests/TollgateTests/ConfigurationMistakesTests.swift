// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollRuntime

@testable import tollgate

/// One mistake, and all that is said about it.
struct Mistake: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var findings: [String]

    /// - Parameter findings: Without the file's name.
    init(_ name: String, _ text: String, _ findings: String...) {
        self.name = name
        self.text = text
        self.findings = findings
    }

    var testDescription: String { self.name }
}

@Suite struct ConfigurationMistakesTests {
    private static func check(_ mistake: Mistake) {
        let (configuration, findings) = Fixture.read(mistake.text)
        #expect(findings.sorted.map { String($0.description.dropFirst("tollgate.yaml:".count)) } == mistake.findings)
        #expect((configuration == nil) == findings.hasErrors)
    }

    /// A route of these members, on a configuration that is otherwise right; it stands on line 8.
    private static func route(_ members: String) -> String {
        Fixture.text(route: "{match: /a, upstream: weather, \(members)}")
    }

    // MARK: Routes and prices

    static let routes = [
        Mistake(
            "neither price nor free",
            route("settle: after"),
            "8: error: routes[0]: has no price, and is not free; write `price: $0.001`, or `free: true`"
        ),
        Mistake(
            "free: false is no price",
            route("free: false"),
            "8: error: routes[0]: has no price, and is not free; write `price: $0.001`, or `free: true`"
        ),
        Mistake(
            "neither free nor not",
            route("free: yes"),
            "8: error: routes[0].free: `yes` is neither `true` nor `false`; write `true` or `false`"
        ),
        Mistake(
            "free with a price",
            route("free: true, price: $1"),
            "8: error: routes[0].price: the route is free and has a price; remove `price` or `free`"
        ),
        Mistake(
            "free with settings of a price",
            route("free: true, settle: before, max_timeout: 60s"),
            "8: warning: routes[0].settle: does nothing on a free route; remove the line",
            "8: warning: routes[0].max_timeout: does nothing on a free route; remove the line"
        ),
        Mistake(
            "zero",
            route("price: $0.00"),
            "8: error: routes[0].price: the price is zero; write `free: true` instead of `price`"
        ),
        Mistake(
            "zero, exactly",
            route("price: {amount: \"0\", asset: USDC, network: \"eip155:84532\"}"),
            "8: error: routes[0].price.amount: the price is zero; write `free: true` instead of `price`"
        ),
        Mistake(
            "no dollar sign",
            route("price: 0.001"),
            "8: error: routes[0].price: `0.001` is no amount of dollars; write `$0.001`"
        ),
        Mistake(
            "another currency",
            route("price: 1 EUR"),
            "8: error: routes[0].price: `1 EUR` is no amount of dollars; write for example `$0.001`, or "
                + "`{amount: \"1000\", asset: USDC, network: eip155:84532}`"
        ),
        Mistake(
            "more decimals than the asset",
            route("price: $0.0000015"),
            "8: error: routes[0].price: `$0.0000015` has 7 decimals, and USDC on eip155:84532 has 6; write a multiple of `$0.000001`"
        ),
        Mistake(
            "an amount with a point",
            route("price: {amount: \"0.5\", asset: USDC, network: \"eip155:84532\"}"),
            "8: error: routes[0].price.amount: `0.5` is no amount; write a whole number of the asset's smallest unit, "
                + "for example `\"1000\"` for 0.001 USDC"
        ),
        Mistake(
            "an exact price without its asset",
            route("price: {amount: \"5\", network: \"eip155:84532\"}"),
            "8: error: routes[0].price: `asset` is missing; write for example `asset: USDC`"
        ),
        Mistake(
            "an asset that is not configured",
            route("price: $1, assets: [USDT]"),
            "8: error: routes[0].assets[0]: no asset `USDT` is configured; configured are `USDC`"
        ),
        Mistake(
            "a network that is not configured",
            route("price: $1, networks: [\"eip155:8453\"]"),
            "8: error: routes[0].networks[0]: the network eip155:8453 is not configured; configured are `eip155:84532`"
        ),
        Mistake(
            "a network by its old name",
            route("price: $1, networks: [base-sepolia]"),
            "8: error: routes[0].networks[0]: `base-sepolia` is no CAIP-2 id of a network; write `eip155:84532`"
        ),
        Mistake(
            "an empty list of networks",
            route("price: $1, networks: []"),
            "8: error: routes[0].networks: is empty; name a network, or remove the line"
        ),
        Mistake(
            "an empty list of prices",
            route("price: []"),
            "8: error: routes[0].price: is empty; write `$0.001`, or `free: true`"
        ),
        Mistake(
            "two prices of one asset",
            route("price: [$1, $2]"),
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
            "8: error: not YAML: while parsing a flow mapping: did not find expected ',' or '}'; quote text that has `{`, `}`, `[`, `]` "
                + "or `,` in it"
        ),
        Mistake(
            "a pattern behind one that takes all",
            Fixture.text(
                route: "{match: /a/**, upstream: weather, price: $1}\n  - {match: GET /a/b, upstream: weather, free: true}"
            ),
            "9: warning: routes[1].match: is never reached: `/a/**` on line 8 matches all that it does; put it before that line, or remove it"
        ),
        Mistake(
            "an authorization that is too short",
            route("price: $1, max_timeout: 9s"),
            "8: error: routes[0].max_timeout: `9s` is out of range; write a duration from `10s` to `1d`"
        ),
        Mistake(
            "an unknown dialect",
            route("price: $1, accept: [x402, x402v1]"),
            "8: error: routes[0].accept[1]: `x402v1` is not known here; write `x402-v1`"
        ),
        Mistake(
            "no dialect",
            route("price: $1, accept: []"),
            "8: error: routes[0].accept: is empty, so that nobody could pay; write `accept: [x402, x402-v1]`"
        ),
        Mistake(
            "a dialect that has no name for the network",
            Fixture.text(
                network: "eip155:42161: {rpc: https://a.example}",
                route: "{match: /a, upstream: weather, price: $1, accept: x402-v1}"
            ),
            "8: error: routes[0]: x402-v1 has no name for eip155:42161, so that nobody could pay; write `accept: [x402, x402-v1]`"
        ),
        Mistake(
            "a description of two lines",
            route("price: $1, description: \"a\\nb\""),
            "8: error: routes[0].description: is too long, or has line breaks or controls; write one line of at most 1000 bytes"
        ),
        Mistake(
            "a misspelt key",
            route("pricee: $1"),
            "8: error: routes[0].pricee: unknown key; write `price`",
            "8: error: routes[0]: has no price, and is not free; write `price: $0.001`, or `free: true`"
        ),
        Mistake(
            "a key without a value",
            route("price: "),
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
            "8: error: routes[0].price: EURC on eip155:8453 is not known to be worth a dollar; write "
                + "`{amount: \"…\", asset: EURC, network: eip155:8453}`, or `dollar: true` at the asset"
        ),
    ]

    @Test(arguments: routes)
    func `a mistake in a route is found`(mistake: Mistake) { Self.check(mistake) }

    // MARK: Money

    static let money = [
        Mistake(
            "a wrong capital in an address",
            Fixture.text(payTo: "pay_to: {eip155: \"0x209693bc6afc0C5328bA36FaF03C514EF312287C\"}"),
            "4: error: pay_to.eip155: the address `0x209693bc6afc0C5328bA36FaF03C514EF312287C` does not fit its checksum: a digit or "
                + "a capital is wrong; copy it again from its source; `\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"` only if its "
                + "digits are right"
        ),
        Mistake(
            "an address in lower case",
            Fixture.text(payTo: "pay_to: {eip155: \"0x209693bc6afc0c5328ba36faf03c514ef312287c\"}"),
            "4: warning: pay_to.eip155: the address is in one case, so that a wrong digit would go unseen; compare it with its source, "
                + "then write `\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"`"
        ),
        Mistake(
            "a name for an address",
            Fixture.text(payTo: "pay_to: {eip155: vitalik.eth}"),
            "4: error: pay_to.eip155: `vitalik.eth` is no address of 0x and 40 hexadecimal digits; write the address in quotes, "
                + "for example `\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"`"
        ),
        Mistake(
            "the zero address",
            Fixture.text(payTo: "pay_to: {eip155: \"0x0000000000000000000000000000000000000000\"}"),
            "4: error: pay_to.eip155: money sent to the zero address is lost; write an address you hold the key of"
        ),
        Mistake(
            "the token's own address",
            Fixture.text(payTo: "pay_to: {eip155: \"\(Fixture.usdcOnBaseSepolia)\"}"),
            "8: error: routes[0]: payments would go to the contract of USDC itself, and be lost; write your own address in `pay_to`"
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
                    + "  - {match: /b, upstream: weather, price: $1, networks: \"eip155:42161\", pay_to: \"\(Fixture.receiver)\"}\n"
                    + "  - {match: /c, upstream: weather, price: $1, networks: \"eip155:42161\"}"
            ),
            "4: error: networks.eip155:42161: nothing says who receives the payments here; write `pay_to: {eip155: \"0x…\"}`"
        ),
        Mistake(
            "a receiver on a chain of a later version",
            Fixture.text(payTo: "pay_to: {eip155: \"\(Fixture.receiver)\", solana: x, evm: y}"),
            "4: error: pay_to.solana: receivers on `solana` are not available in this version; write `eip155`, or the CAIP-2 id of one "
                + "network",
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
            "3: error: networks.eip155:84532: has no RPC server to settle through; write `rpc: [https://…]`, or `[env:NAME]` where the URL "
                + "holds a key"
        ),
        Mistake(
            "networks that are none",
            Fixture.text(
                network: "base: {}\n  eip155:01: {}\n  solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp: {}\n  eip155:99: {}\n  "
                    + "eip155:84532: {rpc: https://a.example}"
            ),
            "3: error: networks.base: `base` is no CAIP-2 id of a network; write `eip155:8453`",
            "4: error: networks.eip155:01: `eip155:01` is no CAIP-2 id of a network; write for example `eip155:84532`",
            "5: error: networks.solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp: networks of `solana` are not available in this version; "
                + "write an `eip155` network",
            "6: error: networks.eip155:99: no asset of eip155:99 is known here; write `assets: {USDC: {address: \"0x…\", decimals: 6, "
                + "name: USDC, version: \"2\"}}`"
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
            "3: error: networks.eip155:84532.confirmations: `latest` is no depth of a block; write a number of blocks, `safe` or `finalized`",
            "4: error: networks.eip155:8453.confirmations: 0 is out of range; write a whole number from 1 to 10000"
        ),
        Mistake(
            "RPC URLs with mistakes, of which none is printed",
            Fixture.text(network: "eip155:84532: {rpc: [\"https://user:hunter2@a.example\", env:BAD_RPC, env:NONE, \"ws://a\"]}"),
            "3: error: networks.eip155:84532.rpc[0]: the URL carries a user name or password; leave it out; credentials are references, "
                + "such as `headers: {Authorization: env:NAME}`",
            "3: error: networks.eip155:84532.rpc[1]: what `env:BAD_RPC` holds: is no http or https URL; write for example "
                + "`https://api.example.com`",
            "3: error: networks.eip155:84532.rpc[2]: the environment variable NONE is not set; set NONE before the start, or name another "
                + "reference",
            "3: error: networks.eip155:84532.rpc[3]: is no http or https URL; write for example `https://api.example.com`"
        ),
    ]

    @Test(arguments: money)
    func `a mistake about money is found`(mistake: Mistake) { Self.check(mistake) }

    // MARK: Facilitator and listeners

    static let servers = [
        Mistake(
            "a key in the file",
            Fixture.text(
                facilitator:
                    "facilitator: {signers: {eip155: [\"0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\"]}}"
            ),
            "5: error: facilitator.signers.eip155[0]: a secret does not belong in this file; write a reference, `env:NAME` or `file:PATH`, "
                + "never the value itself"
        ),
        Mistake(
            "references that hold no key, or one twice",
            Fixture.text(
                facilitator: "facilitator: {signers: {eip155: [env:NONE, env:TOKEN, env:ZERO_KEY, env:TOLLGATE_EVM_KEY, "
                    + "env:SAME_KEY, \"file:/run/key\"]}}"
            ),
            "5: error: facilitator.signers.eip155[0]: the environment variable NONE is not set; set NONE before the start, or name another "
                + "reference",
            "5: error: facilitator.signers.eip155[1]: what `env:TOKEN` holds is no private key; let it hold 64 hexadecimal digits, with or "
                + "without 0x",
            "5: error: facilitator.signers.eip155[2]: what `env:ZERO_KEY` holds is no private key; let it hold 64 hexadecimal digits, with "
                + "or without 0x",
            "5: error: facilitator.signers.eip155[4]: holds the key of `env:TOLLGATE_EVM_KEY` again; write each key once: two users of one "
                + "key would send under the same nonces",
            "5: error: facilitator.signers.eip155[5]: the file /run/key cannot be read: No such file or directory; name a text file that "
                + "this user may read"
        ),
        Mistake(
            "signers of a later version, and signers beside remote",
            Fixture.text(facilitator: "facilitator: {signers: {solana: [env:TOKEN]}, remote: [https://a.example]}"),
            "5: error: facilitator.signers.solana: signers of `solana` are not available in this version; write `eip155`",
            "5: error: facilitator.remote: `remote` stands beside `signers`; keep `signers` to settle yourself, or `remote` to have it done"
        ),
        Mistake(
            "a remote facilitator's secrets in the clear",
            Fixture.text(
                facilitator: "facilitator: {remote: {url: \"http://a.example\", headers: {Authorization: Bearer x, \"B C\": "
                    + "env:TWO_LINES}}}"
            ),
            "5: error: facilitator.remote.headers.Authorization: a secret does not belong in this file; write a reference, `env:NAME` or "
                + "`file:PATH`, never the value itself",
            "5: error: facilitator.remote.headers[\"B C\"]: `B C` is no field name; write for example `Authorization`",
            "5: error: facilitator.remote.headers[\"B C\"]: what `env:TWO_LINES` holds is no field value; let it hold one line of ASCII",
            "5: error: facilitator.remote: secrets would be sent over plain HTTP; write an `https` URL"
        ),
        Mistake(
            "serving everybody",
            Fixture.text(facilitator: "facilitator: {signers: {eip155: env:TOLLGATE_EVM_KEY}, serve: \"0.0.0.0:4022\"}"),
            "5: error: facilitator.serve: anyone who reaches 0.0.0.0:4022 could spend your gas; write `{listen: \"0.0.0.0:4022\", tokens: "
                + "[env:NAME]}`, or `pay_to` with the receivers you settle for"
        ),
        Mistake(
            "serving without limits that mean something",
            Fixture.text(
                facilitator: "facilitator: {remote: https://a.example, serve: {listen: \"127.0.0.1:4022\", tokens: [], "
                    + "assets: [DAI], gas_per_hour: 5}}"
            ),
            "5: error: facilitator.serve.tokens: is empty; write at least one, or remove the line",
            "5: error: facilitator.serve.assets[0]: no asset `DAI` is configured; configured are `USDC`",
            "5: error: facilitator.serve.gas_per_hour: 5 is out of range; write a whole number from 21000 to 1000000000000",
            "5: error: facilitator.serve: a facilitator for others needs signers of its own; write `signers: {eip155: "
                + "[\"env:TOLLGATE_EVM_KEY\"]}` beside it"
        ),
        Mistake(
            "an open admin page",
            Fixture.text(top: "admin: {listen: \"0.0.0.0:4021\"}"),
            "1: error: admin.listen: anyone who reaches 0.0.0.0:4021 would have the admin page; listen on 127.0.0.1, or write "
                + "`token: env:NAME`"
        ),
        Mistake("an admin page behind a token", Fixture.text(top: "admin: {listen: \"0.0.0.0:4021\", token: env:TOKEN}")),
        Mistake(
            "two listeners on one port",
            Fixture.text(top: "listen: 0.0.0.0:4020\npublic_url: https://a.example\nadmin: {listen: \"127.0.0.1:4020\"}"),
            "3: error: admin: 127.0.0.1:4020 is taken by `listen` (0.0.0.0:4020); give each its own port"
        ),
        Mistake(
            "listening for others without a public URL",
            Fixture.text(top: "listen: 0.0.0.0:4020"),
            "1: error: listen: others can call this address, and `public_url` is missing; write `public_url:` with the origin that clients "
                + "call, for example `https://api.example.com`"
        ),
        Mistake(
            "a port that is chosen at start without a public URL",
            Fixture.text(top: "listen: 127.0.0.1:0"),
            "1: error: listen: the port is only known later, and `public_url` is missing; write `public_url:` with the origin that "
                + "clients call, for example `https://api.example.com`"
        ),
        Mistake(
            "a public URL with a path",
            Fixture.text(top: "public_url: https://a.example/api?k=1"),
            "1: error: public_url: the URL has a path, where only scheme, host and port belong; write `https://a.example`"
        ),
        Mistake(
            "a public URL without TLS",
            Fixture.text(top: "public_url: http://a.example"),
            "1: warning: public_url: clients would send payments over plain HTTP; write an `https` URL, with TLS in front of the gateway"
        ),
        Mistake(
            "a name to listen on",
            Fixture.text(top: "listen: gateway:4020"),
            "1: error: listen: `gateway:4020` is no address to listen on; write an IP address and a port, for example `127.0.0.1:4020`, "
                + "`0.0.0.0:4020` or `[::1]:4020`"
        ),
        Mistake(
            "an upstream that is the gateway",
            Fixture.text(upstreams: "upstreams: {weather: \"http://localhost:4020\"}"),
            "6: error: upstreams.weather: is the gateway's own listener, so that requests would go in circles; write the address of the "
                + "server behind it"
        ),
        Mistake(
            "upstreams with mistakes",
            Fixture.text(
                upstreams: "upstreams: {weather: \"http://a/base\", b: {timeout: 1ms, strip: [\"X Y\"]}}"
            ),
            "6: error: upstreams.weather: the URL has a path, where only scheme, host and port belong; write `http://a`",
            "6: error: upstreams.b: `url` is missing; write for example `url: http://127.0.0.1:9000`",
            "6: error: upstreams.b.strip[0]: `X Y` is no field name; write for example `X-Powered-By`",
            "6: error: upstreams.b.timeout: `1ms` is out of range; write a duration from `100ms` to `1h`"
        ),
        Mistake(
            "limits and origins with mistakes",
            Fixture.text(
                top: "limits: {header_bytes: 1KiB, connections: 0}\ncors: {origins: [\"*\", \"https://a/b\"]}\nworkers: 0\n"
                    + "settle_wait: 0s"
            ),
            "1: error: limits.header_bytes: `1KiB` is out of range; write a size from `4KiB` to `1MiB`",
            "1: error: limits.connections: 0 is out of range; write a whole number from 1 to 1000000",
            "2: error: cors.origins[0]: `*` stands beside other origins; write `[\"*\"]`, or only the origins",
            "2: error: cors.origins[1]: the URL has a path, where only scheme, host and port belong; write `https://a`",
            "3: error: workers: 0 is out of range; write a whole number from 1 to 256",
            "4: error: settle_wait: `0s` is out of range; write a duration from `1s` to `10m`"
        ),
        Mistake("an empty file", "", "1: error: the file is empty; write at least `upstreams:` and `routes:`"),
        Mistake("a file that is a list", "- a\n", "1: error: is a list, not a mapping; write for example `{listen: …}`"),
        Mistake(
            "no routes",
            "store: sqlite:a.db\n",
            "1: warning: there are no routes, so that everything is answered 404; write `routes:`"
        ),
    ]

    @Test(arguments: servers)
    func `a mistake about servers is found`(mistake: Mistake) { Self.check(mistake) }

    // MARK: Later versions

    static let later = [
        Mistake(
            "a PostgreSQL ledger",
            Fixture.text(top: "store: postgres://user@host/db"),
            "1: error: store: a PostgreSQL ledger is not available in this version; write `store: sqlite:tollgate.db`"
        ),
        Mistake(
            "no store",
            Fixture.text(top: "store: tollgate.db"),
            "1: error: store: names no store; write `store: sqlite:tollgate.db`"
        ),
        Mistake(
            "Redis",
            Fixture.text(top: "shared: redis://host:6379"),
            "1: error: shared: sharing answers between replicas is not available in this version; remove the line, and run one gateway"
        ),
        Mistake(
            "deferred settlement",
            Self.route("price: $1, settle: deferred"),
            "8: error: routes[0].settle: deferred settlement is not available in this version; write `before` or `after`"
        ),
        Mistake(
            "settlement by amount",
            Self.route("price: $1, settle: {under: $1}"),
            "8: error: routes[0].settle: settlement by amount is not available in this version; write `before` or `after`"
        ),
        Mistake(
            "shadow mode",
            Self.route("price: $1, enforce: false"),
            "8: error: routes[0].enforce: shadow mode is not available in this version; remove the line, or write `free: true`"
        ),
        Mistake("enforcing, which is what happens anyway", Self.route("price: $1, enforce: true")),
        Mistake(
            "the settings of deferred settlement",
            Fixture.text(top: "deferred: {exposure: {per_payer: 1, total: $50}, max_age: 30, batch_size: 0}"),
            "1: error: deferred.exposure.per_payer: `1` is no amount of dollars; write for example `$1`",
            "1: error: deferred.max_age: `30` has no unit; write `30s`, or another unit of ms, s, m, h, d",
            "1: error: deferred.batch_size: 0 is out of range; write a whole number from 1 to 1000",
            "1: warning: deferred: does nothing: deferred settlement is not available in this version; remove it until routes can say "
                + "`settle: deferred`"
        ),
        Mistake(
            "denied payers",
            Fixture.text(top: "deny: {payers: [file:denied.txt, bob]}"),
            "1: error: deny.payers[1]: `bob` is no address of 0x and 40 hexadecimal digits; write the address in quotes, for example "
                + "`\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"`",
            "1: error: deny: denying payers is not available in this version; remove it, and refuse payers at the upstream by "
                + "`Tollgate-Payer`"
        ),
        Mistake(
            "payouts",
            Fixture.text(top: "payouts: {signer: hunter2, max_per_day: 100}"),
            "1: error: payouts.signer: a secret does not belong in this file; write a reference, `env:NAME` or `file:PATH`, never the value "
                + "itself",
            "1: error: payouts.max_per_day: `100` is no amount of dollars; write for example `$1`",
            "1: error: payouts: payouts are not available in this version; remove it, and pay what `tollgate ledger debts` lists by hand"
        ),
        Mistake(
            "confirmations by amount",
            Fixture.text(network: "eip155:84532: {rpc: https://a.example, confirmations_over: {$10: finalized, 5: 0}}"),
            "3: error: networks.eip155:84532.confirmations_over.5: `5` is no amount of dollars; write for example `$10`",
            "3: error: networks.eip155:84532.confirmations_over.5: 0 is out of range; write a whole number from 1 to 10000",
            "3: error: networks.eip155:84532.confirmations_over: confirmations by amount are not available in this version; remove it, and "
                + "set `confirmations` to the depth that the largest payment needs"
        ),
    ]

    @Test(arguments: later)
    func `what this version does not do is refused, not passed over`(mistake: Mistake) { Self.check(mistake) }

    // MARK: Secrets

    @Test(arguments: (routes + money + servers + later).map(\.text))
    func `no finding prints a secret`(text: String) {
        let printed = Fixture.read(text).findings.text
        for secret in ["hunter2", "ac0974be", "AC0974BE", "a-long-token", "Bearer", "provider-key"] {
            #expect(!printed.contains(secret))
        }
    }
}
