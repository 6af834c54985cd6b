// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives
import TollRuntime

/// Asks for secrets: from the environment, else from the person at the terminal, whose typing is not shown.
enum Passphrase {
    /// `TOLL_PASSPHRASE`, else what is typed.
    static func ask(_ prompt: String) throws(UsageError) -> Secret<String> {
        if let given = EnvironmentVariables.value(of: "TOLL_PASSPHRASE") { return Secret(given) }
        guard let typed = HiddenInput.read(prompt) else {
            throw UsageError("no passphrase: set TOLL_PASSPHRASE, or run at a terminal")
        }
        return Secret(typed)
    }

    /// A new one, typed twice.
    static func askTwice() throws(UsageError) -> Secret<String> {
        let first = try self.ask("New passphrase: ")
        if EnvironmentVariables.value(of: "TOLL_PASSPHRASE") == nil {
            let second = try self.ask("Once more: ")
            let isSame = first.withExposed { first in second.withExposed { first == $0 } }
            guard isSame else { throw UsageError("the two are not the same") }
        }
        guard first.withExposed({ !$0.isEmpty }) else { throw UsageError("an empty passphrase protects nothing") }
        return first
    }
}
