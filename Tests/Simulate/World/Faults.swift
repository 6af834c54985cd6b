// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollEVM

/// What goes wrong in worlds. Each is counted where it happens and only when it happens, so that a run can show that it did.
enum Fault: String, CaseIterable, Sendable {
    // On the way to the nodes of the chain.
    case rpcLost = "RPC requests or replies lost"
    case rpcLate = "RPC requests or replies late by seconds"
    case rpcDoubled = "RPC requests that arrived twice"
    case rpcReplyDoubled = "RPC replies doubled"
    case rpcReordered = "RPC replies in another order"
    case rpcRefused = "nodes that could not be reached"
    case rpcGarbage = "RPC replies that are none"
    case rpcBusy = "RPC calls refused without a reason"
    case nodeBehind = "replies of a node that was behind"
    case nodeLied = "replies of a node that lied"

    // On the chain.
    case transactionDropped = "transactions dropped from the pool"
    case transactionSwallowed = "transactions taken and told nobody"
    case transactionReplaced = "transactions replaced by dearer ones"
    case numberUsedByHand = "signers' numbers used by hand"
    case reorganisation1 = "reorganisations of depth 1 that took a transaction"
    case reorganisation2 = "reorganisations of depth 2 that took a transaction"
    case reorganisation3 = "reorganisations of depth 3 that took a transaction"
    case paymentVanished = "payments that a reorganisation took for good"
    case feeSpike = "base-fee spikes"
    case quietFailure = "transfers that failed and did not revert"
    case feeOnTransfer = "transfers of which the token kept a fee"
    case authorizationCancelled = "authorizations cancelled by their payers"
    case walletEmptied = "wallets emptied after signing"
    case settledByPayer = "payments settled by their payers"
    case settledByOthers = "payments settled by third parties"

    // On the chain, where buyers send transfers by themselves.
    case transferMoved = "transfers that a reorganisation put into another block"
    case transferVanished = "transfers that a reorganisation took for good"
    case depositVanished = "deposits that a reorganisation took"
    case boughtVanished = "deposits that a reorganisation took when their call was bought"
    case transferReplaced = "transfers replaced by dearer ones of the same number"
    case transferReverted = "transfers that reverted, and were shown"
    case transferShared = "transactions that paid two references"
    case transferLate = "transfers mined when their reference had ended"

    // In the ledger and the processes.
    case crashBeforeWrite = "crashes before a durable write"
    case crashAfterWrite = "crashes after a durable write"
    case killed = "processes killed at other moments"
    case writeFailed = "writes that failed"
    case writeFailedAfter = "writes that failed and stand"
    case writeTorn = "power cuts in the middle of a write"
    case powerCut = "power cuts between writes"
    case diskFull = "calls to a full disk"
    case databaseLost = "shared databases that died"
    case replicaCutOff = "calls of a replica cut off from the ledger"
    case clockJump = "clock jumps"
    case crashAtReference = "crashes between a reference and its 402"
    case crashAtDeposit = "crashes between a deposit and the claim of its call"
    case crashAtCall = "crashes between the claim of a call and its answer"

    // Between replicas.
    case cacheLate = "calls that the shared cache answered too late"
    case cacheFailed = "calls that the shared cache did not answer"
    case cacheForgot = "shared caches that lost everything"
    case takenOver = "payments that one replica claimed and another settled"
    case depositRaced = "transfers that two replicas took for a deposit"

    // At the counter.
    case webLost = "HTTP requests or answers lost"
    case webLate = "HTTP requests or answers late by seconds"
    case webDoubled = "HTTP requests that arrived twice"
    case clientGone = "clients gone before their answer"
    case upstreamFailed = "upstream failures"
    case credentialRepeated = "credentials presented again"
    case credentialConcurrent = "credentials presented many times at once"
    case credentialReplayed = "credentials presented after their end"
    case credentialTwoDialects = "authorizations presented in two dialects at once"
    case credentialStolen = "credentials presented by a thief"

    case transferSeen = "transfers credited before they were shown"
    case transferUnderpaid = "transfers of less than was asked"
    case transferToppedUp = "transfers of what was missing"
    case transferOverpaid = "transfers of more than was asked"
    case transferEarly = "transfers shown for a later reference"
    case transferReused = "transfers shown for a second reference"
    case transferInvented = "transactions shown that there never were"
    case transferStolen = "transfers shown by a thief"
    case proofRepeated = "proofs shown again"
    case proofConcurrent = "proofs shown many times at once"
    case proofReplayed = "proofs shown when their answer was forgotten"
    case referenceEnded = "references that ended before they were paid"

    // Of what is owed.
    case creditSpent = "purchases out of credit"
    case refundPaid = "debts paid back"
    case refundLost = "refunds that met a debt spent meanwhile"
    case refundCrashed = "refund commands killed"

    static func reorganisation(_ depth: Int) -> Fault {
        depth <= 1 ? .reorganisation1 : depth == 2 ? .reorganisation2 : .reorganisation3
    }
}

/// Counts the faults of one world.
final class Tally: Sendable {
    private let counts = Mutex<[Fault: Int]>([:])

    func note(_ fault: Fault, _ count: Int = 1) {
        guard count > 0 else { return }
        self.counts.withLock { $0[fault, default: 0] += count }
    }

    var all: [Fault: Int] { self.counts.withLock { $0 } }
}
