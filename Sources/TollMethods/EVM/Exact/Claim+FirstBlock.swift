// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

extension Claim {
    /// What is this much deeper than the block of a claim was final when it was made, and no reorganisation has moved it since:
    /// half an hour on a chain with a block every two seconds, three hours on Ethereum. In blocks.
    static let reorganisationDepth: UInt64 = 900

    /// The first block whose Transfer is this claim's.
    ///
    /// The authorization was unused in the state of ``unusedAtBlock``, as that block was then. A reorganisation may have put the
    /// Transfer at or below that number, or the node that told the state was behind the one that told the number. A Transfer that
    /// is deeper than either reaches is a replay: it was made before the claim. Counting what is in between sells nothing twice,
    /// because a ledger holds an authorization for one claim only. See docs/design/0002-payment-keys.md.
    var firstTransferBlock: UInt64 { self.unusedAtBlock - min(self.unusedAtBlock, Self.reorganisationDepth) + 1 }
}
