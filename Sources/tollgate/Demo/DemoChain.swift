// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPrimitives
import TollRuntime

/// The local chain: a real EVM with a USDC contract and funded test accounts.
final class DemoChain: Sendable {
    /// A test account; its key holds value nowhere.
    struct Account: Sendable {
        let address: Address
        let key: String
    }

    let url: String
    private let accounts: JSON
    private let process: ChildProcess

    /// Starts `devnet/start` of the project in the current directory.
    init() throws {
        let process = try ChildProcess("devnet/start")
        guard let line = process.readLine(), let url = line.split(separator: " ").last, url.hasPrefix("http") else {
            throw Assembly.Failure(
                description: "the local chain did not start; run Scripts/install, and this from the project's folder")
        }
        self.url = String(url)
        self.process = process
        self.accounts = try JSON(parsing: FileContents.read("devnet/genesis.json", byteCountMax: 1 << 20))["accounts"] ?? .null
    }

    func account(_ name: String) throws -> Account {
        guard let key = self.accounts[name]?["key"]?.string, let text = self.accounts[name]?["address"]?.string,
            let address = Address(hex: text)
        else { throw Assembly.Failure(description: "devnet/genesis.json has no account \(name)") }
        return Account(address: address, key: key)
    }
}
