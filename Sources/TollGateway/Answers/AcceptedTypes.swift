// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// What a client says of media types (`Accept`, RFC 9110 §12.5.1).
struct AcceptedTypes {
    private static let anyOfApplication = "application/*"

    /// Nil where nothing is said: then everything is as welcome.
    private let ranges: [(name: String, weight: Int)]?

    init(_ head: RequestHead) {
        let values = head.fields.values(of: "accept").map { String(decoding: $0, as: UTF8.self) }
        self.ranges =
            values.isEmpty
            ? nil
            : values.flatMap { $0.split(separator: ",") }.map { range in
                let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
                let weight = parts.dropFirst().first { $0.hasPrefix("q=") }
                return (parts.first ?? "", weight.map { Self.thousandths($0.dropFirst(2)) } ?? 1000)
            }
    }

    /// How welcome a media type of `application/` is, in thousandths. The most specific range that matches counts.
    func weight(of mediaType: String) -> Int {
        guard let ranges else { return 1000 }
        for name in [mediaType, Self.anyOfApplication, "*/*"] {
            if let range = ranges.first(where: { $0.name == name }) { return range.weight }
        }
        return 0
    }

    /// A weight of RFC 9110 §12.4.2; 0 for what is none.
    private static func thousandths(_ text: Substring) -> Int {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : ""
        let digits = (parts.first ?? "") + fraction + String(repeating: "0", count: max(0, 3 - fraction.utf8.count))
        guard digits.utf8.count == 4, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(digits) else {
            return 0
        }
        return min(value, 1000)
    }
}
