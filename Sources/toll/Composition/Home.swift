// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollRuntime

/// Where the buyer keeps its state: `$TOLL_HOME`, else `~/.config/toll`.
struct Home {
    let directory: String

    /// From the environment.
    init() throws(UsageError) {
        if let given = EnvironmentVariables.value(of: "TOLL_HOME"), !given.isEmpty {
            self.directory = given
        } else if let home = EnvironmentVariables.value(of: "HOME"), !home.isEmpty {
            self.directory = home + "/.config/toll"
        } else {
            throw UsageError("there is no place for the journal: set TOLL_HOME")
        }
    }

    var journal: Journal { Journal(directory: self.directory) }
    var wallets: WalletFolder { WalletFolder(directory: self.directory + "/wallets") }
}
