// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Cuts a head into lines that end with CRLF, across any split of the input, and counts its bytes against a limit.
struct LineReader: Sendable {
    enum Fault: Error {
        /// The section has more bytes than the limit.
        case tooLong
        /// An LF without a CR before it. A CR elsewhere is left to the grammar of the line, which has no place for it.
        case bareLineFeed
    }

    /// The line read last, without its CRLF, once ``next(_:from:)`` said it is whole.
    private(set) var line: [UInt8] = []
    /// Bytes of this section read so far, line ends included.
    private(set) var byteCount = 0
    private var limit: Int
    private var isWhole = false

    init(limit: Int) { self.limit = limit }

    /// Forgets everything but keeps the memory.
    mutating func reset(limit: Int? = nil) {
        self.limit = limit ?? self.limit
        self.line.removeAll(keepingCapacity: true)
        self.byteCount = 0
        self.isWhole = false
    }

    /// Reads on from `place` and moves it behind what was taken.
    ///
    /// - Returns: True when `line` is whole; false when the input ends first: then all of it was taken.
    mutating func next(_ input: Span<UInt8>, from place: inout Int) throws(Fault) -> Bool {
        if self.isWhole { self.line.removeAll(keepingCapacity: true) }
        var end = place
        while end < input.count, input[end] != 0x0A { end += 1 }
        self.isWhole = end < input.count
        if self.isWhole { end += 1 }
        self.byteCount += end - place
        guard self.byteCount <= self.limit else { throw .tooLong }
        if self.line.isEmpty { self.line.reserveCapacity(256) }  // Longer lines are rare, and grow it.
        self.line.append(span: input.extracting(place..<end))
        place = end
        guard self.isWhole else { return false }
        guard self.line.count >= 2, self.line[self.line.count - 2] == 0x0D else { throw .bareLineFeed }
        self.line.removeLast(2)
        return true
    }
}
