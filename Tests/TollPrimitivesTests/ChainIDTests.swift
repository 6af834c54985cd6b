// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct ChainIDTests {
    @Test(
        arguments: [
            ("eip155:1", 1), ("eip155:8453", 8453), ("eip155:18446744073709551615", UInt64.max),
            ("eip155:18446744073709551616", nil), ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", nil), ("tvm:-239", nil),
            ("stellar:pubnet", nil), ("abc:_", nil), ("abcdefgh:12345678901234567890123456789012", nil),
        ] as [(String, UInt64?)]
    )
    func `CAIP-2 is read`(text: String, number: UInt64?) {
        let chain = ChainID(text)
        #expect(chain?.description == text)
        #expect(chain?.eip155 == number)
    }

    @Test(arguments: [
        "", ":", "eip155", "eip155:", ":1", "eip155:1:2", "ab:1", "abcdefghi:1", "EIP155:1", "eip155:01", "eip155:-1",
        "eip155:+1", "eip155:0x1", "eip155:*", "eip155:1 ", " eip155:1", "eip155:١", "solana:123456789012345678901234567890123",
        "sol.na:1",
        "solana:a.b", "base-sepolia", "cloudflare:402", "eip155:1\u{301}",
    ])
    func `what breaks the grammar is refused`(text: String) {
        #expect(ChainID(text) == nil)
    }

    @Test func `a number makes the EVM chain`() {
        #expect(ChainID(eip155: 84532) == ChainID("eip155:84532"))
        #expect(ChainID(eip155: 84532).description == "eip155:84532")
    }
}
