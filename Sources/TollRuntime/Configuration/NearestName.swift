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

    /// Insertions, deletions, substitutions and swaps of neighbours between the two, each letter edited once.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var (rowBefore, row) = ([Int](), Array(0...right.count))
        for i in left.indices {
            var next = [i + 1]
            for j in right.indices {
                let isSame = left[i] == right[j]
                var best = min(row[j] + (isSame ? 0 : 1), row[j + 1] + 1, next[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { best = min(best, rowBefore[j - 1] + 1) }
                next.append(best)
            }
            (rowBefore, row) = (row, next)
        }
        return row[right.count]
    }
}
