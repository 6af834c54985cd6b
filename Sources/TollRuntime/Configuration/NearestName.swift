// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Finds what was probably meant.
public enum NearestName {
    /// The candidate within a third of its length in edits of `name`, the nearest and among equals the first; case and `-`
    /// for `_` count nothing. Nil when none is near.
    public static func find(_ name: String, among candidates: [String]) -> String? {
        // Longer names are no slips of the finger, and the distance takes time by the product of lengths.
        guard name.utf8.count <= 64 else { return nil }
        let written = Self.folded(name)
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let distance = Self.distance(written, Self.folded(candidate))
            guard distance <= max(1, candidate.utf8.count / 3), distance < best?.distance ?? .max else { continue }
            best = (distance, candidate)
        }
        return best?.candidate
    }

    private static func folded(_ name: String) -> [UInt8] {
        name.lowercased().utf8.map { $0 == 0x2D ? 0x5F : $0 }
    }

    /// Levenshtein's distance, by rows.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let substituted = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
