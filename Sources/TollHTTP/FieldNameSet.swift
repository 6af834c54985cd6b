// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Field names that are looked for all at once. Most names are told apart from all of them by their length alone.
public struct FieldNameSet: Sendable {
    /// The names in lower case, the shortest first, one directly after the other.
    private let bytes: [UInt8]
    /// Where in `bytes` the names of a length begin, by length; at the end, where those of the longest end.
    private let starts: [Int]

    /// The set of these names.
    public init(_ names: [FieldName]) {
        let lengthMax = names.map(\.bytes.count).max() ?? 0
        let byLength = (0...lengthMax).map { length in names.map(\.bytes).filter { $0.count == length } }
        self.bytes = byLength.flatMap { $0.flatMap { $0 } }
        self.starts = byLength.reduce(into: [0]) { starts, names in
            starts.append(starts[starts.count - 1] + names.reduce(0) { $0 + $1.count })
        }
    }

    /// Whether `name`, in any case, is one of them.
    public func contains(_ name: Span<UInt8>) -> Bool {
        guard name.count + 1 < self.starts.count else { return false }
        var start = self.starts[name.count]
        while start < self.starts[name.count + 1] {
            if self.isName(name, at: start) { return true }
            start += name.count
        }
        return false
    }

    private func isName(_ name: Span<UInt8>, at start: Int) -> Bool {
        for place in name.indices where ByteGrammar.lowercased(name[place]) != self.bytes[start + place] { return false }
        return true
    }
}
