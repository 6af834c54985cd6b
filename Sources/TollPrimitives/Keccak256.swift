// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Keccak-256 as Ethereum uses it: rate 136 bytes, domain byte 0x01 (not the 0x06 of FIPS 202 SHA3-256).
///
/// Ours because OpenSSL has no plain Keccak before 3.2. Source: the Keccak reference, version 3.0, §1.2.
public enum Keccak256 {
    private static let rate = 136

    private static let roundConstants: [UInt64] = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808A, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808B, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008A, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000A,
        0x0000_0000_8000_808B, 0x8000_0000_0000_008B, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800A, 0x8000_0000_8000_000A,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]

    /// The digest of `message`.
    public static func hash(_ message: some Collection<UInt8>) -> Bytes32 {
        let message = Array(message)
        var state = State(repeating: 0)
        var offset = 0
        while message.count - offset >= rate {
            absorb(message, at: offset, count: rate, into: &state)
            permute(&state)
            offset += rate
        }
        var last = Array(message[offset...])
        last.append(0x01)
        last.append(contentsOf: repeatElement(0, count: rate - last.count))
        last[rate - 1] |= 0x80
        absorb(last, at: 0, count: rate, into: &state)
        permute(&state)
        return Bytes32(words: (state[0].byteSwapped, state[1].byteSwapped, state[2].byteSwapped, state[3].byteSwapped))
    }

    /// The digest of UTF-8 text.
    public static func hash(text: String) -> Bytes32 {
        hash(Array(text.utf8))
    }

    private typealias State = InlineArray<25, UInt64>

    private static func absorb(_ bytes: [UInt8], at offset: Int, count: Int, into state: inout State) {
        for lane in 0..<(count / 8) {
            var word: UInt64 = 0
            let start = offset + lane * 8
            for byte in 0..<8 { word |= UInt64(bytes[start + byte]) << UInt64(8 * byte) }
            state[lane] ^= word
        }
    }

    /// Keccak-f[1600]: theta, then rho and pi along one cycle of lanes, chi, iota.
    private static func permute(_ state: inout State) {
        var columns = InlineArray<5, UInt64>(repeating: 0)
        for round in 0..<24 {
            for x in 0..<5 { columns[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] }
            for x in 0..<5 {
                let parity = columns[(x + 4) % 5] ^ rotate(columns[(x + 1) % 5], 1)
                for y in 0..<5 { state[x + 5 * y] ^= parity }
            }
            var carried = state[1]
            for step in 0..<24 {
                let lane = cycle[step]
                let kept = state[lane]
                state[lane] = rotate(carried, rotations[step])
                carried = kept
            }
            for y in stride(from: 0, to: 25, by: 5) {
                for x in 0..<5 { columns[x] = state[y + x] }
                for x in 0..<5 { state[y + x] = columns[x] ^ (~columns[(x + 1) % 5] & columns[(x + 2) % 5]) }
            }
            state[0] ^= roundConstants[round]
        }
    }

    private static let cycle: InlineArray<24, Int> = [
        10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
    ]
    private static let rotations: InlineArray<24, UInt64> = [
        1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
    ]

    private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
        word << count | word >> (64 - count)
    }
}
