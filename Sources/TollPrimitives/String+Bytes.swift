// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension String {
    /// Equality of the bytes. `==` takes canonically equivalent Unicode for equal (the Kelvin sign for K), which no peer does.
    public func hasSameBytes(as other: String) -> Bool {
        // The count tells nearly all different ones apart, and costs nothing.
        self.utf8.count == other.utf8.count && self.utf8.elementsEqual(other.utf8)
    }
}
