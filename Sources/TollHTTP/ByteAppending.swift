// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

// In one copy each: `append(contentsOf:)` asks what it does not know for its bytes one by one.
extension [UInt8] {
    /// Appends the bytes of a span.
    public mutating func append(span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe self.append(contentsOf: $0) }
    }

    /// Appends the bytes of a text that is written in source.
    public mutating func append(literal text: StaticString) {
        text.withUTF8Buffer { unsafe self.append(contentsOf: $0) }
    }
}

// What consists of several pieces is written into room that was made once: each append to an array looks whether it is
// another's, and whether there is room.
extension OutputSpan<UInt8> {
    /// Appends the bytes of a span, for which there must be room.
    @inline(__always)
    public mutating func append(span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe self.append(bytes: $0) }
    }

    /// Appends the bytes of a text that is written in source, for which there must be room.
    @inline(__always)
    public mutating func append(literal text: StaticString) {
        text.withUTF8Buffer { unsafe self.append(bytes: $0) }
    }

    @inline(__always)
    private mutating func append(bytes: UnsafeBufferPointer<UInt8>) {
        unsafe self.withUnsafeMutableBufferPointer { room, count in
            precondition(bytes.count <= room.count - count, "There is room for what is written.")
            guard let source = bytes.baseAddress, let start = room.baseAddress else { return }
            unsafe (start + count).initialize(from: source, count: bytes.count)
            count += bytes.count
        }
    }
}
