// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives
internal import TollProtocol

extension RoutePattern {
    /// A path that the pattern matches, percent-encoded.
    ///
    /// - Parameter value: What stands in the place of a name: the pattern's own, or `var1`, `var2` … where it has none. `1` where
    ///   this gives nothing.
    public func example(_ value: (_ name: String) -> String?) -> String {
        self.namedSegments.map { segment -> String in
            switch segment {
            case .literal(let text): return "/" + text
            case .parameter(let name), .rest(let name):
                let text = value(name).flatMap { $0.isEmpty ? nil : $0 } ?? "1"
                return "/" + PercentText.encode(text)
            }
        }.joined()
    }
}
