// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension String {
    /// Equality of the bytes. `==` takes canonically equivalent Unicode for equal (the Kelvin sign for K), which no peer does.
    public func hasSameBytes(as other: String) -> Bool {
        self == other && self.utf8.elementsEqual(other.utf8)
    }
}
