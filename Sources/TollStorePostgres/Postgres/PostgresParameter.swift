// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// A value that goes with a statement.
enum PostgresParameter: Hashable, Sendable {
    /// One value.
    case one(LedgerValue)
    /// An array of one dimension whose elements are of one type, or null.
    case array([LedgerValue], of: PostgresType)

    static let null = PostgresParameter.one(.null)
    static func integer(_ value: Int64) -> Self { .one(.integer(value)) }
    static func text(_ text: String) -> Self { .one(.text(text)) }
    static func blob(_ bytes: [UInt8]) -> Self { .one(.blob(bytes)) }

    /// The value in the binary format of the server's `…send` functions; nil is NULL.
    var binary: [UInt8]? {
        switch self {
        case .one(let value): value.binary
        case .array(let elements, let type): Self.array(elements, type)
        }
    }

    /// `array_send`: dimensions, whether NULLs may occur, the elements' type, the count and the lower bound, then each element
    /// with its length in front.
    private static func array(_ elements: [LedgerValue], _ type: PostgresType) -> [UInt8] {
        var bytes = (elements.isEmpty ? 0 : 1 as UInt32).bigEndianBytes + UInt32(1).bigEndianBytes + type.rawValue.bigEndianBytes
        guard !elements.isEmpty else { return bytes }
        bytes += UInt32(elements.count).bigEndianBytes + UInt32(1).bigEndianBytes
        for element in elements {
            let binary = element.binary
            bytes += Int32(binary?.count ?? -1).bigEndianBytes
            bytes += binary ?? []
        }
        return bytes
    }
}

/// The types that the ledger's columns have, by the object ids that PostgreSQL gives them (`pg_type.dat`).
enum PostgresType: UInt32, Sendable {
    case bytes = 17
    case integer = 20
    case text = 25
}

extension LedgerValue {
    /// The value in the binary format; nil is NULL.
    fileprivate var binary: [UInt8]? {
        switch self {
        case .null: nil
        case .integer(let value): value.bigEndianBytes
        case .text(let text): Array(PostgresText.escape(text).utf8)
        case .blob(let bytes): bytes
        }
    }
}

extension FixedWidthInteger {
    fileprivate var bigEndianBytes: [UInt8] {
        stride(from: Self.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> Self($0)) }
    }
}

/// PostgreSQL's texts cannot hold U+0000, and what others say (a node's error, a header) may. It is written as two characters
/// that Unicode leaves to private use.
enum PostgresText {
    private static let mark: Unicode.Scalar = "\u{E000}"
    private static let zero: Unicode.Scalar = "\u{E001}"

    /// As it is written.
    static func escape(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0 == "\0" || $0 == self.mark }) else { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\0": scalars.append(contentsOf: [self.mark, self.zero])
            case self.mark: scalars.append(contentsOf: [self.mark, self.mark])
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// As it was.
    static func unescape(_ text: String) -> String {
        guard text.unicodeScalars.contains(self.mark) else { return text }
        var scalars = String.UnicodeScalarView()
        var isMarked = false
        for scalar in text.unicodeScalars {
            switch (isMarked, scalar) {
            case (false, self.mark): isMarked = true
            case (true, self.zero): (isMarked, _) = (false, scalars.append("\0"))
            default: (isMarked, _) = (false, scalars.append(scalar))
            }
        }
        return String(scalars)
    }
}
