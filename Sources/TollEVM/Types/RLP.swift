// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Recursive length prefix, the encoding of transactions (Ethereum yellow paper, appendix B).
public enum RLP {
    /// A byte string or a list of items.
    public indirect enum Item: Hashable, Sendable {
        /// A byte string.
        case bytes([UInt8])
        /// A list.
        case list([Item])

        /// An integer: big-endian without leading zeros, so that 0 is the empty string.
        public static func integer(_ value: UInt256) -> Item { .bytes(value.minimalBytes) }

        /// The content of a byte string.
        public var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
        /// The items of a list.
        public var list: [Item]? { if case .list(let items) = self { items } else { nil } }
        /// An integer of at most 256 bits; nil for leading zeros, which are not canonical.
        public var integer: UInt256? {
            guard case .bytes(let bytes) = self, bytes.first != 0 else { return nil }
            return UInt256(bigEndian: bytes)
        }
    }

    /// Why bytes are no RLP.
    public enum DecodingError: Error, Hashable, Sendable {
        /// They end before the length they announce.
        case truncated
        /// Something follows the item.
        case trailingBytes
        /// A length or a single byte written longer than need be.
        case notCanonical
        /// Lists nested deeper than ``depthMax``.
        case tooDeep
        /// More than ``bytesMax``.
        case tooLong
    }

    /// A transaction with an access list nests four lists.
    public static let depthMax = 16
    /// Twice what any node's transaction pool accepts (128 KiB).
    public static let bytesMax = 256 << 10

    /// The encoding of `item`.
    public static func encode(_ item: Item) -> [UInt8] {
        var output: [UInt8] = []
        append(item, to: &output)
        return output
    }

    private static func append(_ item: Item, to output: inout [UInt8]) {
        switch item {
        case .bytes(let bytes):
            if bytes.count == 1, bytes[0] < 0x80 {
                output.append(bytes[0])
            } else {
                appendHeader(0x80, length: bytes.count, to: &output)
                output.append(contentsOf: bytes)
            }
        case .list(let items):
            var content: [UInt8] = []
            for item in items { append(item, to: &content) }
            appendHeader(0xC0, length: content.count, to: &output)
            output.append(contentsOf: content)
        }
    }

    /// Up to 55 the length is part of the first byte; above, the first byte tells how many bytes the length takes.
    private static func appendHeader(_ base: UInt8, length: Int, to output: inout [UInt8]) {
        if length <= 55 {
            output.append(base + UInt8(length))
        } else {
            let digits = UInt256(UInt64(length)).minimalBytes
            output.append(base + 55 + UInt8(digits.count))
            output.append(contentsOf: digits)
        }
    }

    /// The one item that `input` is. Only the canonical encoding is taken, so that one item has one text and one hash.
    public static func decode(_ input: [UInt8]) throws(DecodingError) -> Item {
        guard input.count <= bytesMax else { throw .tooLong }
        var rest = input[...]
        let item = try takeItem(from: &rest, depth: 0)
        guard rest.isEmpty else { throw .trailingBytes }
        return item
    }

    private static func takeItem(from rest: inout ArraySlice<UInt8>, depth: Int) throws(DecodingError) -> Item {
        guard let first = rest.popFirst() else { throw .truncated }
        switch first {
        case 0x00...0x7F:
            return .bytes([first])
        case 0x80...0xBF:
            let content = try takeContent(base: 0x80, first: first, from: &rest)
            if content.count == 1, let byte = content.first, byte < 0x80 { throw .notCanonical }
            return .bytes(Array(content))
        default:
            guard depth < depthMax else { throw .tooDeep }
            var content = try takeContent(base: 0xC0, first: first, from: &rest)
            var items: [Item] = []
            while !content.isEmpty { items.append(try takeItem(from: &content, depth: depth + 1)) }
            return .list(items)
        }
    }

    private static func takeContent(
        base: UInt8,
        first: UInt8,
        from rest: inout ArraySlice<UInt8>
    ) throws(DecodingError) -> ArraySlice<UInt8> {
        var length = Int(first - base)
        if length > 55 {
            let count = length - 55
            guard rest.count >= count else { throw .truncated }
            let digits = rest.prefix(count)
            guard digits.first != 0 else { throw .notCanonical }
            guard let value = UInt256(bigEndian: digits)?.uint64, value <= bytesMax else { throw .truncated }
            guard value > 55 else { throw .notCanonical }
            length = Int(value)
            rest.removeFirst(count)
        }
        guard rest.count >= length else { throw .truncated }
        let content = rest.prefix(length)
        rest.removeFirst(length)
        return content
    }
}
