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

    /// Who can pay; nobody when there is no key.
    static func signers(wallet: String?, home: Home) throws -> [any PaymentSigner] {
        if let wallet {
            let passphrase = try Passphrase.ask("Passphrase of '\(wallet)': ")
            return [ExactEVMPayer(try home.wallets.key(of: wallet, passphrase: passphrase))]
        }
        return try self.fromEnvironment().map { [ExactEVMPayer($0)] } ?? []
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
