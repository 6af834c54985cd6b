// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollRuntime

@testable import tollgate

@Suite struct ConfigurationGoldenTests {
    /// What a first attempt looks like, with a mistake in almost every line.
    private static let mistakes = """
        listen: 0.0.0.0:4020
        publicurl: https://api.example.com
        admin: {listen: 0.0.0.0:4021}
        store: postgres://tollgate:secret@db/ledger
        workers: many
        networks:
          base-sepolia:
            rpc: http://127.0.0.1:8545
          eip155:8453:
            rpc: [http://127.0.0.1:8545, env:BASE_RPC]
            confirmation: 3
            assets:
              USDC: {address: "0x833589fcd6eDb6E08f4c7C32D4f71b54bdA02913"}
        pay_to:
          eip155: "0x209693bc6afc0c5328ba36faf03c514ef312287c"
        facilitator:
          signers: {eip155: [0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80]}
          serve: {listen: 0.0.0.0:4021, gas_per_hour: lots}
        accept: [x402, mpp]
        settle_wait: 30
        deferred: {exposure: {total: $50}}
        deny: {payers: [file:denied.txt]}
        limits: {header_bytes: 16k}
        cors: {origins: [example.com]}
        upstreams:
          weather: 127.0.0.1:9000
          search: {url: http://127.0.0.1:9001, timout: 5s}
        routes:
          - {match: GET health, upstream: weather, free: true}
          - match: /weather/**
            upstream: wether
            price: 0.001
            max_timeout: 5s
          - {match: "GET /weather/{city}", upstream: weather, price: $0, settle: defered}
          - {match: /search, upstream: search, price: $0.0000001}
          - {match: /search/*, upstream: search, price: {amount: 10, asset: USDT, network: eip155:8453}}
          - {match: /open, upstream: search}
          - {match: /shadow, upstream: search, price: $1, enforce: false, price: $2}
        """

    private static let findings = """
        tollgate.yaml:1: error: listen: others can call this address, and `public_url` is missing; write `public_url:` \
        with the origin that clients call, for example `https://api.example.com`
        tollgate.yaml:2: error: publicurl: unknown key; write `public_url`
        tollgate.yaml:3: error: admin.listen: anyone who reaches 0.0.0.0:4021 would have the admin page; listen on \
        127.0.0.1, or write `token: env:NAME`
        tollgate.yaml:4: error: store: holds a password; leave it to PGPASSWORD or ~/.pgpass, or write `store: \
        env:NAME` for the whole URL
        tollgate.yaml:5: error: workers: `many` is no whole number; write a whole number from 1 to 256
        tollgate.yaml:7: error: networks.base-sepolia: `base-sepolia` is no CAIP-2 id of a network; write `eip155:84532`
        tollgate.yaml:10: error: networks.eip155:8453.rpc[1]: the environment variable BASE_RPC is not set; set \
        BASE_RPC before the start, or name another reference
        tollgate.yaml:11: error: networks.eip155:8453.confirmation: unknown key; write `confirmations`
        tollgate.yaml:13: error: networks.eip155:8453.assets.USDC.address: the address \
        `0x833589fcd6eDb6E08f4c7C32D4f71b54bdA02913` does not fit its checksum: a digit or a capital is wrong; copy it \
        again from its source; `"0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"` only if its digits are right
        tollgate.yaml:15: warning: pay_to.eip155: the address is in one case, so that a wrong digit would go unseen; \
        compare it with its source, then write `"0x209693Bc6afc0C5328bA36FaF03C514EF312287C"`
        tollgate.yaml:17: error: facilitator.signers.eip155[0]: a secret does not belong in this file; write a \
        reference, `env:NAME` or `file:PATH`, never the value itself
        tollgate.yaml:18: error: facilitator.serve.gas_per_hour: `lots` is no whole number; write a whole number from \
        21000 to 1000000000000
        tollgate.yaml:18: error: facilitator.serve: anyone who reaches 0.0.0.0:4021 could spend your gas; write \
        `{listen: "0.0.0.0:4021", tokens: [env:NAME]}`, or `pay_to` with the receivers you settle for
        tollgate.yaml:18: error: facilitator.serve.listen: 0.0.0.0:4021 is taken by `admin.listen` (0.0.0.0:4021); give \
        each its own port
        tollgate.yaml:19: error: accept[1]: `mpp` is not known here; write one of `x402`, `x402-v1`, `transfer-proof`
        tollgate.yaml:20: error: settle_wait: `30` has no unit; write `30s`, or another unit of ms, s, m, h, d
        tollgate.yaml:22: error: deny.payers[0]: the file denied.txt cannot be read: No such file or directory; name a \
        text file
        tollgate.yaml:23: error: limits.header_bytes: `16k` is no size; write a whole number of B, KiB, MiB or GiB, for \
        example `16KiB`
        tollgate.yaml:24: error: cors.origins[0]: is no http or https URL; write for example `https://api.example.com`
        tollgate.yaml:26: error: upstreams.weather: is no http or https URL; write for example `https://api.example.com`
        tollgate.yaml:27: error: upstreams.search.timout: unknown key; write `timeout`
        tollgate.yaml:29: error: routes[0].match: the path does not begin with `/`; write `GET /health`
        tollgate.yaml:31: error: routes[1].upstream: no upstream `wether` is configured; write `weather`
        tollgate.yaml:32: error: routes[1].price: `0.001` is no amount of dollars; write `$0.001`
        tollgate.yaml:33: error: routes[1].max_timeout: `5s` is out of range; write a duration from `10s` to `1d`
        tollgate.yaml:34: error: routes[2].settle: `defered` is not known here; write `deferred`
        tollgate.yaml:34: error: routes[2].price: the price is zero; write `free: true` instead of `price`
        tollgate.yaml:34: warning: routes[2].match: is never reached: `/weather/**` on line 30 matches all that it \
        does; put it before that line, or remove it
        tollgate.yaml:35: error: routes[3].price: `$0.0000001` has 7 decimals, and USDC on eip155:8453 has 6; write a \
        multiple of `$0.000001`
        tollgate.yaml:36: error: routes[4].price.asset: no asset `USDT` is configured; configured are `EURC`, `USDC`
        tollgate.yaml:37: error: routes[5]: has no price, and is not free; write `price: $0.001`, or `free: true`
        tollgate.yaml:38: error: the key `price` is written twice; write it once (first on line 38)
        tollgate.yaml:38: warning: routes[6].enforce: every request is let pass, paid or not; remove the line when it is \
        to be paid for

        """

    @Test func `everything that is wrong is said at once`() {
        let (configuration, findings) = Fixture.read(Self.mistakes)
        #expect(configuration == nil)
        #expect(findings.text == Self.findings)
    }

    @Test func `no beginning of a file is read without either a configuration or an error`() {
        let whole = Fixture.text(top: "admin: {listen: \"127.0.0.1:4021\"}\nsettle_wait: 30s")
        for count in 0...whole.count {
            let (configuration, findings) = Fixture.read(String(whole.prefix(count)))
            #expect((configuration != nil) != findings.hasErrors, "the first \(count) characters")
        }
    }
}
