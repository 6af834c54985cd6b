// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollMethods

/// Whose turn it is, and how far the chain has counted each account.
@Suite struct SignerPoolTests {
    private static let keys = [1, 2].map { PrivateKey(bytes: [UInt8](repeating: $0, count: 32))! }

    private struct Unreachable: Error, Equatable {}

    private static func count(_ pool: SignerPool, _ count: UInt64) async -> UInt64 {
        await pool.chainCount(of: Self.keys[0].address) { () async throws(Never) in count }
    }

    @Test func `the chain is asked once, and again when it was seen to have gone further`() async {
        let pool = SignerPool([Self.keys[0]])
        #expect(await Self.count(pool, 5) == 5)
        #expect(await Self.count(pool, 90) == 5)
        pool.forgetCount(of: Self.keys[0].address)
        #expect(await Self.count(pool, 90) == 90)
    }

    @Test func `a chain that does not answer is asked again`() async {
        let pool = SignerPool([Self.keys[0]])
        await #expect(throws: Unreachable()) {
            _ = try await pool.chainCount(of: Self.keys[0].address) { () async throws(Unreachable) -> UInt64 in
                throw Unreachable()
            }
        }
        #expect(await Self.count(pool, 7) == 7)
    }

    @Test func `accounts take turns, and each signs with its own key`() {
        let pool = SignerPool(Self.keys)
        let turns = (0..<4).map { _ in pool.next() }
        #expect(turns.map(\.address) == [1, 0, 1, 0].map { Self.keys[$0].address })
        #expect(turns.allSatisfy { $0.key.address == $0.address })
        #expect(pool.signer(Self.keys[1].address)?.address == Self.keys[1].address)
        #expect(pool.signer(.zero) == nil)
    }

    @Test func `an account without money for gas is passed over while another has some`() {
        let (pool, addresses) = (SignerPool(Self.keys), Self.keys.map(\.address))
        pool.note(addresses[1], isFunded: false)
        #expect((0..<3).map { _ in pool.next().address } == [addresses[0], addresses[0], addresses[0]])
        pool.note(addresses[0], isFunded: false)
        #expect(Set((0..<4).map { _ in pool.next().address }) == [addresses[0], addresses[1]])
        pool.note(addresses[0], isFunded: true)
        #expect((0..<3).allSatisfy { _ in pool.next().address == addresses[0] })
    }
}
