// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// Where the keys come from: a wallet that is named, else `TOLL_EVM_KEY`.
enum Keys {
    /// The variable with a key in hexadecimal.
    static let variable = "TOLL_EVM_KEY"

    /// The most that a transfer offers for a unit of gas unless `--max-fee-gwei` says otherwise.
    static let feeGweiDefault: UInt64 = 500

    /// The key to pay with; nil when there is none.
    static func key(wallet: String?, home: Home) throws -> PrivateKey? {
        guard let wallet else { return try self.fromEnvironment() }
        let passphrase = try Passphrase.ask("Passphrase of '\(wallet)': ")
        return try home.wallets.key(of: wallet, passphrase: passphrase)
    }

    /// Who makes transfers with `key`, and offers at most so many billionths of a coin for a unit of gas.
    static func sender(_ key: PrivateKey, _ nodes: ChainNodes, feeGwei: UInt64 = feeGweiDefault) -> any TransferSender {
        let limit = UInt256(feeGwei).multiplied(by: 1_000_000_000) ?? .max
        return TransferPayer(key, nodes: nodes.transfers, feeLimit: limit)
    }

    /// The key in the environment; nil when there is none.
    static func fromEnvironment() throws(UsageError) -> PrivateKey? {
        guard let text = EnvironmentVariables.value(of: self.variable), !text.isEmpty else { return nil }
        guard let key = self.parse(text) else { throw UsageError("\(self.variable) is no private key: 64 hexadecimal digits") }
        return key
    }

    /// A key from its 64 hexadecimal digits.
    static func parse(_ text: String) -> PrivateKey? {
        Hex.decode(text).flatMap { PrivateKey(bytes: $0) }
    }
}
