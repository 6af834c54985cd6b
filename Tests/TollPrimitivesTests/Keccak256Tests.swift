// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

@Suite struct Keccak256Tests {
    /// The digests were computed with pycryptodome 3; those of "" and "abc" are also in the Keccak team's and Ethereum's papers.
    @Test(arguments: [
        ("", "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        ("abc", "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        ("Transfer(address,address,uint256)", "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
    ])
    func `known texts have their digests`(text: String, digest: String) {
        #expect(Keccak256.hash(text: text).description == digest)
    }

    /// Byte i of each message is 7 i + 3; the lengths lie around one and two blocks of 136 bytes.
    @Test(arguments: [
        (1, "0x69c322e3248a5dfc29d73c5b0553b0185a35cd5bb6386747517ef7e53b15e287"),
        (55, "0x152cc5298108a3ec3a26e0c5aead9c2770c184a6bdf87eb087716b185c8e2238"),
        (134, "0x0c00ddc2482876f8fa8cc91ed55deedf61049892967f383560faf8a5787f86c5"),
        (135, "0x00ef96af9cf4b24c7f269d922294444a197d0a33638c2e56634c57e892103a8f"),
        (136, "0x742061bcad767ed4c4f5883b1dcb1aad11afdcc140dc469d953759b127b9f9ed"),
        (137, "0xe3371f61e770abf254c34239c3b0099ad90594507415bc81dd0a10b9692bbf2a"),
        (271, "0x4401c4afbe16ff911bdbf2d38e556e5b861f3fdf0f9d4306b1c46f6ae4f73584"),
        (272, "0xac141fd7b0a0ffcd2e967254d508da3ec616596493c36fa304425647d90e6de5"),
        (273, "0x16192ea86793083e47731cb3c970600f04768414d92bc0540e54ce8607a0fce0"),
        (1000, "0x80cdc8dd52cbb3dbaea8f383209893fa2bb52efbd5aedbb4b26dcfe307fcdc9b"),
    ])
    func `messages around the block size have their digests`(count: Int, digest: String) {
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }
        #expect(Keccak256.hash(message).description == digest)
        #expect(Keccak256.hash(([0xFF] + message)[1...]).description == digest)
    }
}
