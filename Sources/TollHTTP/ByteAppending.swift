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
