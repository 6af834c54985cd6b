// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollRuntime

@testable import tollgate

@Suite struct ServerMistakesTests {
    // MARK: Facilitator and listeners

    static let servers = [
        Mistake(
            "a key in the file",
            Fixture.text(
                facilitator:
                    "facilitator: {signers: {eip155: [\"0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\"]}}"
            ),
            "5: error: facilitator.signers.eip155[0]: a secret does not belong in this file; write a reference, "
                + "`env:NAME` or `file:PATH`, never the value itself"
        ),
        Mistake(
            "references that hold no key, or one twice",
            Fixture.text(
                facilitator: "facilitator: {signers: {eip155: [env:NONE, env:TOKEN, env:ZERO_KEY, env:TOLLGATE_EVM_KEY, "
                    + "env:SAME_KEY, \"file:/run/key\"]}}"
            ),
            "5: error: facilitator.signers.eip155[0]: the environment variable NONE is not set; set NONE before the "
                + "start, or name another reference",
            "5: error: facilitator.signers.eip155[1]: what `env:TOKEN` holds is no private key; let it hold 64 "
                + "hexadecimal digits, with or without 0x",
            "5: error: facilitator.signers.eip155[2]: what `env:ZERO_KEY` holds is no private key; let it hold 64 "
                + "hexadecimal digits, with or without 0x",
            "5: error: facilitator.signers.eip155[4]: holds the key of `env:TOLLGATE_EVM_KEY` again; write each key "
                + "once: two users of one key would send under the same nonces",
            "5: error: facilitator.signers.eip155[5]: the file /run/key cannot be read: No such file or directory; name "
                + "a text file that this user may read"
        ),
        Mistake(
            "signers of a later version, and signers beside remote",
            Fixture.text(facilitator: "facilitator: {signers: {solana: [env:TOKEN]}, remote: [https://a.example]}"),
            "5: error: facilitator.signers.solana: signers of `solana` are not available in this version; write `eip155`",
            "5: error: facilitator.remote: `remote` stands beside `signers`; keep `signers` to settle yourself, or "
                + "`remote` to have it done"
        ),
        Mistake(
            "a remote facilitator's secrets in the clear",
            Fixture.text(
                facilitator: "facilitator: {remote: {url: \"http://a.example\", headers: {Authorization: Bearer x, \"B C\": "
                    + "env:TWO_LINES}}}"
            ),
            "5: error: facilitator.remote.headers.Authorization: a secret does not belong in this file; write a "
                + "reference, `env:NAME` or `file:PATH`, never the value itself",
            "5: error: facilitator.remote.headers[\"B C\"]: `B C` is no field name; write for example `Authorization`",
            "5: error: facilitator.remote.headers[\"B C\"]: what `env:TWO_LINES` holds is no field value; let it hold "
                + "one line of ASCII",
            "5: error: facilitator.remote: secrets would be sent over plain HTTP; write an `https` URL"
        ),
        Mistake(
            "serving everybody",
            Fixture.text(facilitator: "facilitator: {signers: {eip155: env:TOLLGATE_EVM_KEY}, serve: \"0.0.0.0:4022\"}"),
            "5: error: facilitator.serve: anyone who reaches 0.0.0.0:4022 could spend your gas; write `{listen: "
                + "\"0.0.0.0:4022\", tokens: [env:NAME]}`, or `pay_to` with the receivers you settle for"
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
            "1: error: admin.listen: anyone who reaches 0.0.0.0:4021 would have the admin page; listen on 127.0.0.1, or "
                + "write `token: env:NAME`"
        ),
        Mistake("an admin page in a file, for whoever may open it", Fixture.text(top: "admin: {listen: \"unix:/run/admin\"}")),
        Mistake(
            "an admin page that one listener of two opens",
            Fixture.text(top: "admin: {listen: [127.0.0.1:4021, \"0.0.0.0:4022\"]}"),
            "1: error: admin.listen: anyone who reaches 0.0.0.0:4022 would have the admin page; listen on 127.0.0.1, or "
                + "write `token: env:NAME`"
        ),
        Mistake(
            "an admin page that redirects, and a facilitator on its file",
            Fixture.text(
                top: "admin: {listen: {address: \"127.0.0.1:4021\", redirect_to_https: true}}",
                facilitator: "facilitator: {signers: {eip155: env:TOLLGATE_EVM_KEY}, serve: {listen: [\"unix:/a\", "
                    + "\"unix:/a\"]}}"
            ),
            "1: error: admin.listen: only the gateway sends clients to its `public_url`; remove `redirect_to_https`",
            "5: error: facilitator.serve.listen[1]: unix:/a is taken by `facilitator.serve.listen[0]` (unix:/a); give each its "
                + "own file"
        ),
        Mistake("an admin page behind a token", Fixture.text(top: "admin: {listen: \"0.0.0.0:4021\", token: env:TOKEN}")),
        Mistake(
            "two listeners on one port",
            Fixture.text(top: "listen: 0.0.0.0:4020\npublic_url: https://a.example\nadmin: {listen: \"127.0.0.1:4020\"}"),
            "3: error: admin.listen: 127.0.0.1:4020 is taken by `listen` (0.0.0.0:4020); give each its own port"
        ),
        Mistake(
            "listening for others without a public URL",
            Fixture.text(top: "listen: 0.0.0.0:4020"),
            "1: error: listen: others can call this address, and `public_url` is missing; write `public_url:` with the "
                + "origin that clients call, for example `https://api.example.com`"
        ),
        Mistake(
            "a port that is chosen at start without a public URL",
            Fixture.text(top: "listen: 127.0.0.1:0"),
            "1: error: listen: the port is only known later, and `public_url` is missing; write `public_url:` with the "
                + "origin that clients call, for example `https://api.example.com`"
        ),
        Mistake(
            "a public URL with a path",
            Fixture.text(top: "public_url: https://a.example/api?k=1"),
            "1: error: public_url: the URL has a path, where only scheme, host and port belong; write `https://a.example`"
        ),
        Mistake(
            "a public URL without TLS",
            Fixture.text(top: "public_url: http://a.example"),
            "1: warning: public_url: clients would send payments over plain HTTP; write an `https` URL, with TLS in "
                + "front of the gateway"
        ),
        Mistake(
            "a name to listen on",
            Fixture.text(top: "listen: gateway:4020"),
            "1: error: listen: `gateway:4020` is no address to listen on; write an IP address and a port, for example "
                + "`127.0.0.1:4020`, `0.0.0.0:4020` or `[::1]:4020`"
        ),
        Mistake(
            "an upstream that is the gateway",
            Fixture.text(upstreams: "upstreams: {weather: \"http://localhost:4020\"}"),
            "6: error: upstreams.weather: is the gateway's own listener, so that requests would go in circles; write the "
                + "address of the server behind it"
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
        Mistake(
            "a password in the URL of a PostgreSQL ledger",
            Fixture.text(top: "store: postgres://user:secret@host/db"),
            "1: error: store: holds a password; leave it to PGPASSWORD or ~/.pgpass, or write `store: env:NAME` for the whole URL"
        ),
        Mistake(
            "no store",
            Fixture.text(top: "store: tollgate.db"),
            "1: error: store: names no store; write `store: sqlite:tollgate.db`, or `store: postgres://user@host/database`"
        ),
        Mistake(
            "a reference to no store",
            Fixture.text(top: "store: env:TOLLGATE_NO_SUCH_NAME"),
            "1: error: store: the environment variable TOLLGATE_NO_SUCH_NAME is not set; set TOLLGATE_NO_SUCH_NAME before the "
                + "start, or name another reference"
        ),
        Mistake(
            "Redis over TLS",
            Fixture.text(top: "shared: rediss://host:6379"),
            "1: error: shared: is no address of a Redis server; Redis over TLS is not supported; use a private network or a "
                + "tunnel, and redis://"
        ),
        Mistake(
            "a password in the URL of Redis",
            Fixture.text(top: "shared: redis://:secret@host:6379"),
            "1: error: shared: holds a password; write `shared: env:NAME` for the whole URL"
        ),
        Mistake(
            "how a chain is settled on",
            Fixture.text(
                network: "eip155:84532: {rpc: https://a.example, confirmations_over: {$10: finalized, 5: 0}, "
                    + "timeouts: {call: 1h}, gas: {max_fee_gwei: 0}}"),
            "3: error: networks.eip155:84532.confirmations_over.5: `5` is no amount of dollars; write for example `$10`",
            "3: error: networks.eip155:84532.confirmations_over.5: 0 is out of range; write a whole number from 1 to 10000",
            "3: error: networks.eip155:84532.timeouts.call: `1h` is out of range; write a duration from `1s` to `1m`",
            "3: error: networks.eip155:84532.gas.max_fee_gwei: 0 is out of range; write a whole number from 1 to 1000000"
        ),
    ]

    @Test(arguments: servers)
    func `a mistake about servers is found`(mistake: Mistake) { mistake.check() }

    // MARK: Operations

    static let operations = [
        Mistake(
            "shadow mode",
            Fixture.route("price: $1, enforce: false"),
            "8: warning: routes[0].enforce: every request is let pass, paid or not; remove the line when it is to be paid for"
        ),
        Mistake("enforcing, which is what happens anyway", Fixture.route("price: $1, enforce: true")),
        Mistake(
            "denied payers",
            Fixture.text(top: "deny: {payers: [file:denied.txt, bob]}"),
            "1: error: deny.payers[0]: the file denied.txt cannot be read: No such file or directory; name a text file",
            "1: error: deny.payers[1]: `bob` is no address of 0x and 40 hexadecimal digits; write the address in quotes, "
                + "for example `\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"`"
        ),
        Mistake(
            "a screening hook without an address",
            Fixture.text(top: "deny: {screen: {timeout: 1m, on_failure: maybe}}"),
            "1: error: deny.screen: `url` is missing; write for example `url: http://127.0.0.1:9100/screen`",
            "1: error: deny.screen.timeout: `1m` is out of range; write a duration from `50ms` to `30s`",
            "1: error: deny.screen.on_failure: `maybe` is not known here; write one of `closed`, `open`"
        ),
        Mistake(
            "a log of another kind",
            Fixture.text(top: "log: {format: xml, level: all, access: maybe}"),
            "1: error: log.format: `xml` is not known here; write one of `text`, `json`",
            "1: error: log.level: `all` is not known here; write one of `debug`, `info`, `warning`, `error`",
            "1: error: log.access: `maybe` is not known here; write one of `false`, `true`, `query`"
        ),
        Mistake(
            "payouts",
            Fixture.text(top: "payouts: {signer: hunter2, max_per_day: 100}"),
            "1: error: payouts.signer: a secret does not belong in this file; write a reference, `env:NAME` or "
                + "`file:PATH`, never the value itself",
            "1: error: payouts.max_per_day: `100` is no amount of dollars; write for example `$100`"
        ),
        Mistake(
            "payouts of nothing, by whoever settles",
            Fixture.text(top: "payouts: {signer: env:TOLLGATE_EVM_KEY, max_per_day: $0}"),
            "1: error: payouts.max_per_day: `$0` is no limit; write an amount from `$0.000001` on, with at most six decimals",
            "1: error: payouts.signer: holds the key of `env:TOLLGATE_EVM_KEY`, which settles; make another key: a wallet that "
                + "pays out should hold no more than a few days' refunds"
        ),
        Mistake(
            "payouts without a limit",
            Fixture.text(top: "payouts: {signr: env:TOLLGATE_EVM_KEY}"),
            "1: error: payouts.signr: unknown key; write `signer`",
            "1: error: payouts: `signer` is missing; write for example `signer: env:TOLLGATE_PAYOUT_KEY`",
            "1: error: payouts: `max_per_day` is missing; write for example `max_per_day: $100`"
        ),
    ]

    @Test(arguments: operations)
    func `a mistake about operations is found`(mistake: Mistake) { mistake.check() }

    // MARK: Secrets

    @Test(arguments: (MoneyMistakesTests.routes + MoneyMistakesTests.money + servers + operations).map(\.text))
    func `no finding prints a secret`(text: String) {
        let printed = Fixture.read(text).findings.text
        for secret in ["hunter2", "ac0974be", "AC0974BE", "a-long-token", "Bearer", "provider-key"] {
            #expect(!printed.contains(secret))
        }
    }
}
