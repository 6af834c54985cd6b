// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Purchases by transfers that their buyers send by themselves.
extension Scenario {
    /// One that somebody will make.
    struct Transfer: Sendable {
        /// What is sent, and when.
        enum Plan: Int, CaseIterable, Sendable {
            /// What is asked for.
            case exact
            /// Less, and the rest when it is said what is missing.
            case topUp
            /// More.
            case tooMuch
            /// Less, and never the rest.
            case tooLittle
            /// What two references ask for, in one transaction.
            case shared
            /// What is asked for, and nothing shown before it is said to have arrived.
            case silent
            /// The same twice under one number, the second dearer.
            case replaced
            /// So late that the reference may end before the block.
            case expiring
            /// When the reference has ended.
            case late
            /// Once, and shown for a second reference too.
            case reused
            /// Before there is a reference.
            case early
            /// More than the sender has, which reverts, and then what is asked for.
            case reverting
            /// Nothing: a transaction is shown that there never was.
            case invented
        }

        /// How what was sent is shown.
        enum Style: Int, CaseIterable, Sendable {
            /// Again and again, until there is an answer.
            case patient
            /// Many times at once.
            case concurrent
            /// Without a signature, where the chain says whose it is.
            case unsigned
        }

        let plan: Plan
        let style: Style
        let buyer: Int
        let path: String
        let isPost: Bool
        let at: Duration
        /// Whether the wallet sends again what is lost.
        let resends: Bool
    }

    /// Routes that are paid so, by how transfers are bound; the last one takes x402 beside them.
    static let transferRoutes = ["/by-signature", "/by-amount", "/by-address", "/by-unstored", "/by-any"]

    /// A third of the worlds has such buyers, by dice of their own: the other ones are what they were.
    mutating func decideTransfers(_ dice: Dice) {
        guard dice.happens(perMille: 320) else { return }
        self.referenceLifetime = dice.pick([40, 120, 120, 300])
        let buyersMax = dice.number(in: 0...(Market.buyers.count - 1))
        let isForked = dice.happens(perMille: 400)
        if isForked { self.decideTransferForks(dice) }
        // What arrives in part lies in the ledger for a while before anything is bought with it.
        let isPartial = isForked && dice.happens(perMille: 600)
        let plans: [Transfer.Plan] = isPartial ? [.exact, .topUp, .tooLittle, .silent] : Transfer.Plan.allCases
        self.transfers = (0..<dice.number(in: 1...3)).map { index in
            Transfer(
                plan: dice.pick(plans), style: dice.pick(Transfer.Style.allCases),
                buyer: dice.number(in: 0...buyersMax), path: "\(dice.pick(Self.transferRoutes))/\(index)",
                isPost: dice.happens(perMille: 250), at: .milliseconds(dice.number(in: 0...90_000)),
                resends: dice.happens(perMille: 700))
        }
        self.hasTransferThief = dice.happens(perMille: 600)
        if dice.happens(perMille: 300) {
            self.visits.append(
                Visit(
                    style: dice.pick(Visit.Style.allCases), trick: .none, buyer: dice.number(in: 0...buyersMax),
                    path: "/by-any/x402", isPost: false, at: .milliseconds(dice.number(in: 0...60_000))))
        }
        // One that is alone and lies is believed: who asks one node trusts it.
        guard self.nodeCount > 1, dice.happens(perMille: 400) else { return }
        self.lie = dice.pick(Lie.allCases)
    }

    /// Reorganisations, and sellers who do not wait for them to be over.
    private mutating func decideTransferForks(_ dice: Dice) {
        self.chain.blockTime = dice.pick([.seconds(1), .seconds(2), .seconds(6)])
        self.chain.reorganisation = dice.number(in: 100...400)
        self.chain.reorganisationDepth = dice.number(in: 1...3)
        self.chain.reorganisationDrop = dice.pick([0, 200, 500])
        self.confirmations = UInt64(dice.pick([1, 1, 2]))
    }
}
