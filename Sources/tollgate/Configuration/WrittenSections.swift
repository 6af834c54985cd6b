// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollRuntime

/// What a configuration file says under each of its keys, as far as it takes to tell whether two files say the same.
///
/// Digests of this process, not the text: a section may hold a password.
struct WrittenSections: Sendable {
    private var digests: [String: Int] = [:]

    /// The sections of nothing.
    init() {}

    /// The sections of a file. Order, comments and places do not count.
    init(_ root: YAMLNode) {
        guard case .mapping(let entries) = root.content else { return }
        for entry in entries {
            var hasher = Hasher()
            Self.hash(entry.value, into: &hasher)
            self.digests[entry.key] = hasher.finalize()
        }
    }

    /// Whether the other file says something else under a key.
    func differs(from other: WrittenSections, at key: String) -> Bool { self.digests[key] != other.digests[key] }

    private static func hash(_ node: YAMLNode, into hasher: inout Hasher) {
        switch node.content {
        case .scalar(let text, let isQuoted):
            hasher.combine(0)
            hasher.combine(text)
            hasher.combine(isQuoted)
        case .sequence(let items):
            hasher.combine(1)
            hasher.combine(items.count)
            for item in items { self.hash(item, into: &hasher) }
        case .mapping(let entries):
            hasher.combine(2)
            hasher.combine(entries.count)
            for entry in entries.sorted(by: { $0.key < $1.key }) {
                hasher.combine(entry.key)
                self.hash(entry.value, into: &hasher)
            }
        case .refused: hasher.combine(3)
        }
    }
}
