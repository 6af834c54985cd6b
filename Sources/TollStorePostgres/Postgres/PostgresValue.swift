// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What a parameter or a column holds. Floating point is left out: nothing in a ledger is.
enum PostgresValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case text(String)
    case bytes([UInt8])
    /// An array of one dimension whose elements are of `type`, or null.
    case array([PostgresValue], of: PostgresType)

    init(_ text: String?) { self = text.map(PostgresValue.text) ?? .null }
    init(_ value: Int64?) { self = value.map(PostgresValue.integer) ?? .null }
    init(_ value: Int) { self = .integer(Int64(value)) }
    init(_ value: [UInt8]?) { self = value.map(PostgresValue.bytes) ?? .null }

    /// The value in the binary format of the server's `…send` functions; nil is NULL.
    var binary: [UInt8]? {
        switch self {
        case .null: nil
        case .bool(let value): [value ? 1 : 0]
        case .integer(let value): Self.word(UInt64(bitPattern: value), byteCount: 8)
        case .text(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        case .array(let elements, let type): Self.array(elements, type)
        }
    }

    /// `array_send`: dimensions, whether NULLs may occur, the elements' type, the count and the lower bound, then each element
    /// with its length in front.
    private static func array(_ elements: [PostgresValue], _ type: PostgresType) -> [UInt8] {
        var bytes: [UInt8] = []
        for head in [elements.isEmpty ? 0 : 1, 1, UInt64(type.rawValue)] { bytes += self.word(head, byteCount: 4) }
        guard !elements.isEmpty else { return bytes }
        bytes += self.word(UInt64(elements.count), byteCount: 4) + self.word(1, byteCount: 4)
        for element in elements {
            let binary = element.binary
            bytes += self.word(UInt64(bitPattern: Int64(binary?.count ?? -1)), byteCount: 4)
            bytes += binary ?? []
        }
        return bytes
    }

    /// The lowest bytes of `value`, most significant first.
    private static func word(_ value: UInt64, byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (byteCount - 1 - $0))) }
    }
}

/// The types that the ledger's columns have, by the object ids that PostgreSQL gives them (`pg_type.dat`).
enum PostgresType: UInt32, Sendable {
    case bool = 16
    case bytes = 17
    case integer = 20
    case text = 25
}
