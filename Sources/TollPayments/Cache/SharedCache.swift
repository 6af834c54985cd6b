// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// What replicas tell each other and may lose: copies of what stands in the ledger, and counts for rate limits.
///
/// Nothing depends on it. There are no errors: a cache that does not answer has no value, and counts for this process alone.
/// Claims, and whatever else decides about money, are in the ledger and nowhere else.
public protocol SharedCache: Sendable {
    /// The value that is kept under `key`; nil when there is none any more, or the cache does not answer.
    func value(for key: String) async -> [UInt8]?

    /// Keeps `value` for `seconds`. A key always stands for the same value, so that it does not matter which replica wrote it.
    func setValue(_ value: [UInt8], for key: String, seconds: Int) async

    /// Counts one event, and says how many there were in the present window, this one included. Windows of `seconds` follow each
    /// other from 1970 on, so that all replicas agree on them.
    func count(_ key: String, window seconds: Int) async -> Int
}
