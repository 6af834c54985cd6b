// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// How deep a block must lie before what is in it counts, the shallower first.
public enum BlockDepth: Hashable, Sendable, Comparable {
    /// So many blocks, its own included.
    case blocks(UInt64)
    /// At or below the chain's `safe` block.
    case safe
    /// At or below the chain's `finalized` block.
    case finalized
}
