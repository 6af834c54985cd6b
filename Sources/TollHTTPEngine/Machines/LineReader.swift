// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc
internal import TollHTTP

/// Cuts a head into lines that end with CRLF, across any split of the input, and counts its bytes against a limit.
struct LineReader: Sendable {
    enum Fault: Error {
        /// The section has more bytes than the limit.
        case tooLong
        /// An LF without a CR before it. A CR elsewhere is left to the grammar of the line, which has no place for it.
        case bareLineFeed
    }

    /// A line that is whole, without its CRLF.
    enum Line {
        /// It stands here in the input.
        case inInput(Range<Int>)
        /// It came in several pieces and stands in ``kept``.
        case inKept
    }

    /// The line whose end has not come yet, or came last.
    private(set) var kept: [UInt8] = []
    /// Bytes of this section read so far, line ends included.
    private(set) var byteCount = 0
    private var limit: Int
    private var isWhole = false

    init(limit: Int) { self.limit = limit }

    /// Forgets everything but keeps the memory.
    mutating func reset(limit: Int? = nil) {
        self.limit = limit ?? self.limit
        self.kept.removeAll(keepingCapacity: true)
        self.byteCount = 0
        self.isWhole = false
    }

    /// Reads on from `place` and moves it behind what was taken.
    ///
    /// - Returns: Nil when the input ends before the line does: then all of it was taken.
    mutating func next(_ input: Span<UInt8>, from place: inout Int) throws(Fault) -> Line? {
        if self.isWhole, !self.kept.isEmpty { self.kept.removeAll(keepingCapacity: true) }
        let start = place
        let end = input.firstIndex(of: 0x0A, from: start) ?? input.count
        self.isWhole = end < input.count
        place = self.isWhole ? end + 1 : end
        self.byteCount += place - start
        guard self.byteCount <= self.limit else { throw .tooLong }
        if self.isWhole, self.kept.isEmpty {
            guard end > start, input[end - 1] == 0x0D else { throw .bareLineFeed }
            return .inInput(start..<(end - 1))
        }
        if self.kept.isEmpty { self.kept.reserveCapacity(256) }  // Longer lines are rare, and grow it.
        self.kept.append(span: input.extracting(start..<place))
        guard self.isWhole else { return nil }
        guard self.kept.count >= 2, self.kept[self.kept.count - 2] == 0x0D else { throw .bareLineFeed }
        self.kept.removeLast(2)
        return .inKept
    }
}

extension Span<UInt8> {
    /// Where a byte stands next, from a place on: as the C library looks for it, many bytes at once.
    fileprivate func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        unsafe self.extracting(start...).withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let found = unsafe memchr(base, Int32(byte), bytes.count) else { return nil }
            return unsafe start + (UnsafeRawPointer(found) - base)
        }
    }
}
