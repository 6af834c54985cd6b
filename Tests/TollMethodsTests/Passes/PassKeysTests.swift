// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollMethods
import TollPayments
import TollPrimitives
import TollTestKit

/// Passes under HMAC-SHA-256, and the ledger's key for them.
@Suite struct PassKeysTests {
    /// Made with Python's `hmac` from the layout that `PassKeys` describes.
    private static let token =
        "tgp_AcN1Wt4BI0VniavN7wBrSdI8AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8MZWlwMTU1Ojg0NTMyMHgyMDk2OTNC"
        + "YzZhZmMwQzUzMjhiQTM2RmFGMDNDNTE0RUYzMTIyODdDE45lvOh12sIcZMpOncMn8zMbQ-HgaP7ZWab3sG5V7zg"

    @Test func `a token is what its layout says`() throws {
        let keys = try #require(PassKeys([Secret([UInt8](repeating: 7, count: 32))]))
        let payment = try #require(Bytes32([UInt8](0..<32)))
        let pass = try #require(
            Pass(
                route: 0x0123_4567_89AB_CDEF, expires: 1_800_000_060, payment: PaymentID(payment),
                network: ChainID(eip155: 84_532), payer: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"))
        #expect(keys.token(for: pass) == Self.token)
        #expect(keys.pass(of: Array(Self.token.utf8)[...]) == pass)
    }

    @Test func `all who serve from a ledger have the same key, and those of another do not`() async throws {
        let (ledger, other) = (MemoryPaymentStore(), MemoryPaymentStore())
        let pass = try #require(
            Pass(route: 1, expires: 2, payment: PaymentID(.zero), network: ChainID(eip155: 1), payer: "p"))
        let token = try await PassKeys(of: ledger).token(for: pass)
        #expect(try await PassKeys(of: ledger).pass(of: Array(token.utf8)[...]) == pass)
        #expect(try await PassKeys(of: other).pass(of: Array(token.utf8)[...]) == nil)
    }

    @Test func `a key of another length in the ledger is refused`() async throws {
        let ledger = MemoryPaymentStore()
        _ = try await ledger.secret("passes", orElse: Secret([1, 2, 3]))
        await #expect(throws: StoreError.self) { try await PassKeys(of: ledger) }
    }

    @Test func `without keys there are none`() { #expect(PassKeys([]) == nil) }
}
