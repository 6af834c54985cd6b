// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What happened, in order, in words; kept only when somebody will read it.
final class Trace: Sendable {
    let isKept: Bool
    private let clock: Mutex<(@Sendable () -> Duration)?> = Mutex(nil)
    private let kept = Mutex<[String]>([])

    init(isKept: Bool) { self.isKept = isKept }

    func setClock(_ clock: @escaping @Sendable () -> Duration) { self.clock.withLock { $0 = clock } }

    func note(_ words: @autoclosure () -> String) {
        guard self.isKept else { return }
        let now = self.clock.withLock { $0?() } ?? .zero
        let (seconds, rest) = now.components
        let milliseconds = String(rest / 1_000_000_000_000_000 + 1_000).dropFirst()
        let line = "\(seconds).\(milliseconds) \(words())"
        self.kept.withLock { $0.append(line) }
    }

    var lines: [String] { self.kept.withLock { $0 } }
}
