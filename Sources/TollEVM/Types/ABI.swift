// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// The encoding of calls, results and logs (Solidity's contract ABI specification): heads of whole words, tails for what has
/// no fixed size.
public enum ABI {
    /// A value to encode, or one that was decoded.
    public indirect enum Value: Hashable, Sendable {
        /// Anything of a fixed size up to 32 bytes: integers, addresses, booleans, `bytes1` to `bytes32`.
        case word(Bytes32)
        /// `bytes` or `string`.
        case bytes([UInt8])
        /// A tuple or struct.
        case tuple([Value])
        /// An array of any length.
        case array([Value])
    }

    /// The shape to decode.
    public indirect enum Shape: Hashable, Sendable {
        /// As ``Value/word(_:)``.
        case word
        /// As ``Value/bytes(_:)``.
        case bytes
        /// As ``Value/tuple(_:)``.
        case tuple([Shape])
        /// As ``Value/array(_:)``.
        case array(Shape)
    }

    /// Why data is not of the shape expected.
    public enum DecodingError: Error, Hashable, Sendable {
        /// An offset or a length points outside of the data.
        case truncated
        /// Parts overlap, so that it would decode to more than it has.
        case overlapping
        /// It decodes, but encoding the result gives other bytes.
        case notCanonical
    }

    /// The first four bytes of the Keccak-256 of a signature such as `transfer(address,uint256)`.
    public static func selector(_ signature: String) -> [UInt8] {
        Array(Keccak256.hash(text: signature).bytes.prefix(4))
    }

    /// `arguments` in a row, as of a call without its selector.
    public static func encode(_ arguments: [Value]) -> [UInt8] {
        var output: [UInt8] = []
        append(arguments, to: &output)
        return output
    }

    /// A call: selector and arguments.
    public static func encodeCall(_ selector: [UInt8], _ arguments: [Value]) -> [UInt8] {
        var output = selector
        append(arguments, to: &output)
        return output
    }

    /// Heads first, then tails; a dynamic value's head is the offset of its tail from the first head.
    private static func append(_ values: [Value], to output: inout [UInt8]) {
        var offset = values.reduce(0) { $0 + $1.headSize }
        var tails: [UInt8] = []
        for value in values {
            if value.isDynamic {
                let start = tails.count
                appendBody(of: value, to: &tails)
                append(count: offset, to: &output)
                offset += tails.count - start
            } else {
                appendBody(of: value, to: &output)
            }
        }
        output.append(contentsOf: tails)
    }

    private static func appendBody(of value: Value, to output: inout [UInt8]) {
        switch value {
        case .word(let word):
            word.append(to: &output)
        case .bytes(let bytes):
            append(count: bytes.count, to: &output)
            output.append(contentsOf: bytes)
            output.append(contentsOf: repeatElement(0, count: padding(bytes.count)))
        case .tuple(let values):
            append(values, to: &output)
        case .array(let values):
            append(count: values.count, to: &output)
            append(values, to: &output)
        }
    }

    private static func append(count: Int, to output: inout [UInt8]) {
        UInt256(UInt64(count)).word.append(to: &output)
    }

    static func padding(_ count: Int) -> Int { (32 - count % 32) % 32 }

    /// Reads `shapes` in a row, as contracts do: offsets may point anywhere and what nothing points to is ignored, but no byte
    /// is read twice.
    public static func decode(_ shapes: [Shape], from data: [UInt8]) throws(DecodingError) -> [Value] {
        var decoder = ABIDecoder(data: data)
        return try decoder.values(shapes, base: 0)
    }

    /// As ``decode(_:from:)``, and `data` must be exactly what ``encode(_:)`` makes of the result.
    public static func decodeCanonical(_ shapes: [Shape], from data: [UInt8]) throws(DecodingError) -> [Value] {
        let values = try decode(shapes, from: data)
        guard encode(values) == data else { throw .notCanonical }
        return values
    }
}

extension ABI.Value {
    /// An address.
    public static func address(_ address: Address) -> Self { .word(address.word) }
    /// An unsigned integer of any width.
    public static func integer(_ value: UInt256) -> Self { .word(value.word) }
    /// A boolean.
    public static func bool(_ value: Bool) -> Self { .integer(value ? 1 : 0) }
    /// A string.
    public static func string(_ text: String) -> Self { .bytes(Array(text.utf8)) }

    /// The word.
    public var word: Bytes32? { if case .word(let word) = self { word } else { nil } }
    /// The word as an integer.
    public var integer: UInt256? { self.word.map { UInt256($0) } }
    /// The word as an address; nil when its upper bytes are not zero.
    public var address: Address? { self.word.flatMap { Address($0) } }
    /// The word as a boolean; nil unless it is 0 or 1.
    public var bool: Bool? {
        switch self.integer {
        case 0: false
        case 1: true
        default: nil
        }
    }
    /// The content of `bytes`.
    public var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
    /// The content of a `string`; nil when it is not UTF-8.
    public var string: String? { self.bytes.flatMap { String(validating: $0, as: UTF8.self) } }
    /// The elements of an array or the members of a tuple.
    public var elements: [ABI.Value]? {
        switch self {
        case .tuple(let values), .array(let values): values
        case .word, .bytes: nil
        }
    }

    fileprivate var isDynamic: Bool {
        switch self {
        case .word: false
        case .bytes, .array: true
        case .tuple(let values): values.contains { $0.isDynamic }
        }
    }

    fileprivate var headSize: Int {
        guard case .tuple(let values) = self, !self.isDynamic else { return 32 }
        return values.reduce(0) { $0 + $1.headSize }
    }
}

extension ABI.Shape {
    fileprivate var isDynamic: Bool {
        switch self {
        case .word: false
        case .bytes, .array: true
        case .tuple(let shapes): shapes.contains { $0.isDynamic }
        }
    }

    fileprivate var headSize: Int {
        guard case .tuple(let shapes) = self, !self.isDynamic else { return 32 }
        return shapes.reduce(0) { $0 + $1.headSize }
    }
}

/// Reads with a budget: an honest encoding has every byte read once, a hostile one points many offsets at one place.
private struct ABIDecoder {
    let data: [UInt8]
    var budget: Int

    init(data: [UInt8]) {
        self.data = data
        self.budget = data.count
    }

    /// A row of values whose offsets count from `base`.
    mutating func values(_ shapes: [ABI.Shape], base: Int) throws(ABI.DecodingError) -> [ABI.Value] {
        var values: [ABI.Value] = []
        values.reserveCapacity(shapes.count)
        var head = base
        for shape in shapes {
            values.append(try self.value(shape, head: head, base: base))
            head += shape.headSize
        }
        return values
    }

    private mutating func value(_ shape: ABI.Shape, head: Int, base: Int) throws(ABI.DecodingError) -> ABI.Value {
        guard shape.isDynamic else { return try self.body(shape, at: head) }
        let offset = try self.count(at: head)
        guard offset <= self.data.count - base else { throw .truncated }
        return try self.body(shape, at: base + offset)
    }

    private mutating func body(_ shape: ABI.Shape, at position: Int) throws(ABI.DecodingError) -> ABI.Value {
        switch shape {
        case .word:
            return .word(try self.word(at: position))
        case .bytes:
            let count = try self.count(at: position)
            return .bytes(Array(try self.slice(at: position + 32, count: count)))
        case .tuple(let shapes):
            return .tuple(try self.values(shapes, base: position))
        case .array(let element):
            let count = try self.count(at: position)
            guard count * element.headSize <= self.data.count - position - 32 else { throw .truncated }
            return .array(try self.values([ABI.Shape](repeating: element, count: count), base: position + 32))
        }
    }

    /// An offset or a length: at most the data's own size.
    private mutating func count(at position: Int) throws(ABI.DecodingError) -> Int {
        guard let count = UInt256(try self.word(at: position)).uint64, count <= UInt64(self.data.count) else { throw .truncated }
        return Int(count)
    }

    private mutating func word(at position: Int) throws(ABI.DecodingError) -> Bytes32 {
        guard let word = Bytes32(try self.slice(at: position, count: 32)) else { throw .truncated }
        return word
    }

    private mutating func slice(at position: Int, count: Int) throws(ABI.DecodingError) -> ArraySlice<UInt8> {
        guard position <= self.data.count, count <= self.data.count - position else { throw .truncated }
        guard count <= self.budget else { throw .overlapping }
        self.budget -= count
        return self.data[position..<(position + count)]
    }
}
