// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollCrypto
import TollEVM
import TollPrimitives

struct ExtendedPublicKeyAccountTests {
    /// The entries of Tests/Vectors/bip32/keys.json that have an address.
    struct Account: Sendable, CustomTestStringConvertible {
        let name, parent, address: String
        let index: UInt32
        var testDescription: String { self.name }
    }

    static let accounts: [Account] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Vectors/bip32/keys.json")
        guard let bytes = try? Data(contentsOf: file), let json = try? JSON(parsing: bytes) else {
            preconditionFailure("Tests/Vectors/bip32/keys.json cannot be read.")
        }
        return (json.array ?? []).filter { $0["type"]?.string == "account" }.map { entry in
            Account(
                name: entry["name"]?.string ?? "", parent: entry["parent"]?.string ?? "", address: entry["address"]?.string ?? "",
                index: UInt32(entry["index"]?.integer ?? 0)
            )
        }
    }()

    @Test(arguments: accounts)
    func `the account of a child is the one that eth_account has for the private key`(account: Account) throws {
        #expect(try ExtendedPublicKey(parsing: account.parent).address(account.index).description == account.address)
    }

    @Test func `every known answer is there`() {
        #expect(Self.accounts.count == 21)
    }
}
