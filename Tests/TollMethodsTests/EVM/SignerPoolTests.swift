// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollMethods

/// Transaction numbers: each used once, none left out.
@Suite struct SignerPoolTests {
    private static let keys = [1, 2].map { PrivateKey(bytes: [UInt8](repeating: $0, count: 32))! }

    private struct Unreachable: Error, Equatable {}

    private static func take(_ pool: SignerPool, count: UInt64 = 5) async -> UInt64 {
        await pool.takeTurn { (_: Address) async throws(Never) in count }.nonce
    }

    @Test func `the chain is asked once, then numbers count up`() async {
        let pool = SignerPool([Self.keys[0]])
        #expect(await Self.take(pool) == 5)
        #expect(await Self.take(pool, count: 90) == 6)
        #expect(await Self.take(pool, count: 0) == 7)
    }

    @Test func `accounts take turns, each with its own numbers`() async {
        let pool = SignerPool(Self.keys)
        var turns: [Address: [UInt64]] = [:]
        for _ in 0..<6 {
            let turn = await pool.takeTurn { (address: Address) async throws(Never) in address == Self.keys[0].address ? 10 : 20 }
            turns[turn.address, default: []].append(turn.nonce)
            #expect(turn.key.address == turn.address)
        }
        #expect(turns == [Self.keys[0].address: [10, 11, 12], Self.keys[1].address: [20, 21, 22]])
    }

    @Test func `two hundred at once get two hundred numbers`() async {
        let pool = SignerPool([Self.keys[0]])
        let numbers = await withTaskGroup(of: UInt64.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    await pool.takeTurn { (_: Address) async throws(Never) in
                        await Task.yield()
                        return 5
                    }.nonce
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(numbers.sorted() == Array(5..<205))
    }

    @Test func `a number that was not written is used next, the lowest first, once`() async {
        let pool = SignerPool([Self.keys[0]])
        let address = Self.keys[0].address
        for expected: UInt64 in 5...7 { #expect(await Self.take(pool) == expected) }
        pool.giveBack(7, of: address)
        pool.giveBack(5, of: address)
        pool.giveBack(5, of: address)
        pool.giveBack(6, of: Self.keys[1].address)  // Not of this pool.
        #expect(await Self.take(pool) == 5)
        #expect(await Self.take(pool) == 7)
        #expect(await Self.take(pool) == 8)
    }

    @Test func `after a restart numbers on disk are taken, and the gaps between them go first`() async {
        let address = Self.keys[0].address
        let behind = SignerPool([Self.keys[0]])
        behind.reserve(9, of: address)
        behind.reserve(7, of: address)
        for expected: UInt64 in [6, 8, 10, 11] { #expect(await Self.take(behind, count: 6) == expected) }

        let ahead = SignerPool([Self.keys[0]])
        ahead.reserve(5, of: address)
        #expect(await Self.take(ahead, count: 12) == 12)
        ahead.reserve(20, of: address)
        #expect(await Self.take(ahead) == 21)
    }

    @Test func `a chain that does not answer takes no number`() async throws {
        let pool = SignerPool([Self.keys[0]])
        await #expect(throws: Unreachable()) {
            _ = try await pool.takeTurn { (_: Address) async throws(Unreachable) -> UInt64 in throw Unreachable() }
        }
        #expect(await Self.take(pool) == 5)
    }
}
