// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollRuntime

/// `tollgate check`: everything that is wrong with a configuration, at once.
enum CheckCommand {
    static func run(configurationPath: String) async -> ExitCode {
        guard let configuration = self.read(configurationPath) else { return .failure }
        let routes = configuration.routes
        StandardStreams.writeError("\(configurationPath): \(routes.count) routes, \(routes.count { !$0.isFree }) of them priced\n")
        return .success
    }

    /// Reads the configuration and prints every finding on standard error; nil when one of them is an error.
    static func read(_ path: String) -> Configuration? {
        let (configuration, findings) = ConfigurationReader.read(path: path, table: .known)
        if !findings.all.isEmpty { StandardStreams.writeError(findings.text) }
        return configuration
    }
}
