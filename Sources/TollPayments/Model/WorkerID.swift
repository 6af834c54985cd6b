// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// One run of one process that serves from a ledger: new at each start, so that nobody takes what an earlier run left for its
/// own.
public struct WorkerID: Hashable, Sendable, CustomStringConvertible {
    /// The bytes that are drawn for a name. Two alike among those of a day's starts are as good as impossible.
    public static let byteCount = 8

    private let number: UInt64

    /// From ``byteCount`` random bytes.
    public init(randomBytes: [UInt8]) {
        precondition(randomBytes.count == Self.byteCount, "A worker's name is made of \(Self.byteCount) bytes.")
        self.number = randomBytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// From 16 hexadecimal digits; nil for anything else.
    public init?(_ text: String) {
        guard let bytes = Hex.decode(text), bytes.count == Self.byteCount else { return nil }
        self.init(randomBytes: bytes)
    }

    /// 16 lower-case hexadecimal digits.
    public var description: String {
        Hex.encode((0..<Self.byteCount).map { UInt8(truncatingIfNeeded: self.number >> (8 * (Self.byteCount - 1 - $0))) })
    }
}
