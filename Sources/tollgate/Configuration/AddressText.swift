// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollRuntime

/// An EVM address as text: `0x` and forty hexadecimal digits, whose capitals are a checksum (EIP-55).
enum AddressText {
    /// What a text is.
    enum Reading: Equatable {
        /// An address with the right capitals.
        case valid(String)
        /// An address in one case, which checks nothing; with the right capitals.
        case unchecked(String)
        /// An address whose capitals belong to another; with the capitals its digits would have.
        case wrongChecksum(String)
        case malformed
    }

    static let zero = "0x0000000000000000000000000000000000000000"

    static func read(_ text: String) -> Reading {
        guard let (address, checksum) = Address.parse(text) else { return .malformed }
        switch checksum {
        case .valid: return .valid(address.description)
        case .absent: return address.description == text ? .valid(text) : .unchecked(address.description)  // Without letters.
        case .wrong: return .wrongChecksum(address.description)
        }
    }
}

extension ConfigurationValue {
    /// An address with its checksum, or nil after a finding. One in a single case is taken with a warning.
    func address(_ findings: inout Findings) -> String? {
        let example = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
        guard let text = self.text(example: "\"\(example)\"", &findings) else { return nil }
        switch AddressText.read(text) {
        case .valid(let address):
            return address
        case .unchecked(let address):
            let message = "the address is in one case, so that a wrong digit would go unseen"
            self.report(.warning, message, remedy: "compare it with its source, then write `\"\(address)\"`", &findings)
            return address
        case .wrongChecksum(let address):
            let message = "the address `\(text)` does not fit its checksum: a digit or a capital is wrong"
            self.refuse(
                message,
                remedy: "copy it again from its source; `\"\(address)\"` only if its digits are right",
                &findings
            )
            return nil
        case .malformed:
            let hint = self.isQuotedScalar ? "" : " in quotes"
            let message = "`\(Finding.excerpt(text))` is no address of 0x and 40 hexadecimal digits"
            self.refuse(message, remedy: "write the address\(hint), for example `\"\(example)\"`", &findings)
            return nil
        }
    }

    private var isQuotedScalar: Bool {
        guard case .scalar(_, isQuoted: true) = self.node.content else { return false }
        return true
    }
}
