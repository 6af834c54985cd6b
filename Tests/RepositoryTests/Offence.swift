// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

/// Where the repository does not keep a house rule, and what to do about it.
struct Offence: Hashable, CustomStringConvertible {
    let path: String
    /// From 1; 0 for the file as a whole.
    let line: Int
    let message: String

    init(_ file: RepositoryFile, line: Int = 0, _ message: String) {
        self.path = file.path
        self.line = line
        self.message = message
    }

    init(path: String, line: Int = 0, _ message: String) {
        self.path = path
        self.line = line
        self.message = message
    }

    var description: String { self.line == 0 ? "\(self.path): \(self.message)" : "\(self.path):\(self.line): \(self.message)" }
}

/// Fails with all offences at once, a line each.
func expectNone(_ offences: [Offence], sourceLocation: SourceLocation = #_sourceLocation) {
    guard !offences.isEmpty else { return }
    Issue.record("\(offences.map { "\n  \($0)" }.joined())", sourceLocation: sourceLocation)
}
