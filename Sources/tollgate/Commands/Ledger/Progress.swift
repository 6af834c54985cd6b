// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollRuntime

/// Counts on standard error while somebody watches a terminal; says nothing elsewhere.
struct Progress {
    /// Of so many things one is worth repainting the line.
    private static let step = 1_000

    private let what: String
    private let isShown: Bool
    private var line = ProgressLine()

    /// Counts `what`: "payments read".
    init(_ what: String) {
        self.what = what
        self.isShown = Terminal.errorOutput.isInteractive
    }

    mutating func show(_ count: Int) {
        if self.isShown, count.isMultiple(of: Self.step) { self.line.show("\(count) \(self.what)") }
    }

    mutating func finish() { self.line.finish() }
}
