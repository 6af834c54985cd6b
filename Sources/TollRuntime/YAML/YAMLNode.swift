// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// One node of a YAML document. Scalars stay text: what they mean is decided by whoever reads them.
public struct YAMLNode: Hashable, Sendable {
    /// A place in the file, both counted from 1; the column counts characters.
    public struct Mark: Hashable, Sendable {
        /// The line.
        public var line: Int
        /// The column.
        public var column: Int

        /// A place.
        public init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }
    }

    /// A key of a mapping with its value.
    public struct Entry: Hashable, Sendable {
        /// The key's text.
        public var key: String
        /// Where the key stands.
        public var keyMark: Mark
        /// The value.
        public var value: YAMLNode

        /// An entry.
        public init(key: String, keyMark: Mark, value: YAMLNode) {
            self.key = key
            self.keyMark = keyMark
            self.value = value
        }
    }

    /// What a node holds.
    public enum Content: Hashable, Sendable {
        /// Text; `isQuoted` tells `"5"` from `5` and `""` from nothing.
        case scalar(String, isQuoted: Bool)
        /// Items in order.
        case sequence([YAMLNode])
        /// Entries in the file's order, each key once.
        case mapping([Entry])
        /// Something that a finding already refuses; readers pass over it in silence.
        case refused
    }

    /// What the node holds.
    public var content: Content
    /// Where it begins.
    public var mark: Mark

    /// A node.
    public init(_ content: Content, mark: Mark) {
        self.content = content
        self.mark = mark
    }

    /// Nothing was written: an empty plain scalar, `~` or `null`.
    public var isNull: Bool {
        guard case .scalar(let text, isQuoted: false) = self.content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What it is, for messages: `text`, `a list`, `a mapping`, `nothing`.
    public var kind: String {
        switch self.content {
        case .scalar: self.isNull ? "nothing" : "text"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .refused: "something refused"
        }
    }
}
