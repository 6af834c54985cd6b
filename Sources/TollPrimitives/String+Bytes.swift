// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension String {
    /// Equality of the bytes. `==` takes canonically equivalent Unicode for equal (the Kelvin sign for K), which no peer does.
    public func hasSameBytes(as other: String) -> Bool {
        // A native string has its bytes in one piece; the count tells nearly all different ones apart.
        guard self.utf8.count == other.utf8.count else { return false }
        let isSame = unsafe self.utf8.withContiguousStorageIfAvailable { own in
            unsafe other.utf8.withContiguousStorageIfAvailable { unsafe own.elementsEqual($0) }
        }
        return (isSame ?? nil) ?? self.utf8.elementsEqual(other.utf8)
    }
}
