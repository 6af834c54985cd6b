// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Keccak-256 as Ethereum uses it: rate 136 bytes, domain byte 0x01 (not the 0x06 of FIPS 202 SHA3-256).
///
/// Ours because OpenSSL has no plain Keccak before 3.2. Source: the Keccak reference, version 3.0, §1.2.
public enum Keccak256 {
    /// Five rows of five lanes: the lane in column x of row y stands at 5y + x.
    private typealias State = InlineArray<25, UInt64>

    private static let rate = 136

    /// The digest of `message`.
    public static func hash(_ message: [UInt8]) -> Bytes32 {
        let bytes = unsafe message.span.bytes
        var state = State(repeating: 0)
        var start = 0
        while bytes.byteCount - start >= rate {
            absorb(bytes, from: start, count: rate, into: &state)
            permute(&state)
            start += rate
        }
        let rest = bytes.byteCount - start
        absorb(bytes, from: start, count: rest, into: &state)
        state[rest / 8] ^= 0x01 << UInt64(rest % 8 * 8)
        state[rate / 8 - 1] ^= 0x80 << 56
        permute(&state)
        return Bytes32(words: (state[0].byteSwapped, state[1].byteSwapped, state[2].byteSwapped, state[3].byteSwapped))
    }

    /// As ``hash(_:)-([UInt8])``, of bytes that are in no array yet.
    public static func hash(_ message: some Collection<UInt8>) -> Bytes32 {
        hash(Array(message))
    }

    /// The digest of UTF-8 text.
    public static func hash(text: String) -> Bytes32 {
        hash(Array(text.utf8))
    }

    /// Adds `count` bytes, at most ``rate``, to the lanes, of which the first byte is the lowest.
    private static func absorb(_ bytes: RawSpan, from start: Int, count: Int, into state: inout State) {
        for lane in 0..<(count / 8) {
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start + lane * 8, as: UInt64.self)
            state[lane] ^= UInt64(littleEndian: word)
        }
        for index in (count & ~7)..<count {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: start + index, as: UInt8.self)
            state[index / 8] ^= UInt64(byte) << UInt64(index % 8 * 8)
        }
    }

    /// Keccak-f[1600]: twenty-four rounds, which differ in one constant.
    private static func permute(_ state: inout State) {
        for round in 0..<24 { state = permuted(state, roundConstants[round]) }
    }

    /// One round. Theta makes `d`, what each column takes from its neighbours; rho and pi take the lanes of a new row from all
    /// over the old state, each rotated by its own count; chi joins the row; iota adds the constant.
    ///
    /// Written out, since with every index and count a constant the lanes stay in registers: four times as fast as loops.
    @inline(__always)
    private static func permuted(_ a: State, _ constant: UInt64) -> State {
        let c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20]
        let c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21]
        let c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22]
        let c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23]
        let c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24]
        let d0 = c4 ^ rotate(c1, 1)
        let d1 = c0 ^ rotate(c2, 1)
        let d2 = c1 ^ rotate(c3, 1)
        let d3 = c2 ^ rotate(c4, 1)
        let d4 = c3 ^ rotate(c0, 1)
        var new = State(repeating: 0)
        setRow(
            of: &new,
            at: 0,
            a[0] ^ d0,
            rotate(a[6] ^ d1, 44),
            rotate(a[12] ^ d2, 43),
            rotate(a[18] ^ d3, 21),
            rotate(a[24] ^ d4, 14)
        )
        setRow(
            of: &new,
            at: 5,
            rotate(a[3] ^ d3, 28),
            rotate(a[9] ^ d4, 20),
            rotate(a[10] ^ d0, 3),
            rotate(a[16] ^ d1, 45),
            rotate(a[22] ^ d2, 61)
        )
        setRow(
            of: &new,
            at: 10,
            rotate(a[1] ^ d1, 1),
            rotate(a[7] ^ d2, 6),
            rotate(a[13] ^ d3, 25),
            rotate(a[19] ^ d4, 8),
            rotate(a[20] ^ d0, 18)
        )
        setRow(
            of: &new,
            at: 15,
            rotate(a[4] ^ d4, 27),
            rotate(a[5] ^ d0, 36),
            rotate(a[11] ^ d1, 10),
            rotate(a[17] ^ d2, 15),
            rotate(a[23] ^ d3, 56)
        )
        setRow(
            of: &new,
            at: 20,
            rotate(a[2] ^ d2, 62),
            rotate(a[8] ^ d3, 55),
            rotate(a[14] ^ d4, 39),
            rotate(a[15] ^ d0, 41),
            rotate(a[21] ^ d1, 2)
        )
        new[0] ^= constant
        return new
    }

    /// Chi: each lane of the row that starts at `start`, with the two after it.
    @inline(__always)
    private static func setRow(
        of state: inout State,
        at start: Int,
        _ b0: UInt64,
        _ b1: UInt64,
        _ b2: UInt64,
        _ b3: UInt64,
        _ b4: UInt64
    ) {
        state[start] = b0 ^ (~b1 & b2)
        state[start + 1] = b1 ^ (~b2 & b3)
        state[start + 2] = b2 ^ (~b3 & b4)
        state[start + 3] = b3 ^ (~b4 & b0)
        state[start + 4] = b4 ^ (~b0 & b1)
    }

    @inline(__always)
    private static func rotate(_ lane: UInt64, _ count: UInt64) -> UInt64 {
        lane &<< count | lane &>> (64 &- count)
    }

    private static let roundConstants: InlineArray<24, UInt64> = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808A, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808B, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008A, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000A,
        0x0000_0000_8000_808B, 0x8000_0000_0000_008B, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800A, 0x8000_0000_8000_000A,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]
}
