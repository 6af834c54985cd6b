// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollPayments
import TollPrimitives

/// Who asks: seen by the world alone.
struct Asker: Hashable, Sendable, CustomStringConvertible {
    enum Kind: String, Sendable { case buyer, thief, gateway }
    let kind: Kind
    let name: String
    var description: String { self.name }
}

/// What an outside observer saw, in the order in which it happened.
struct WorldEvents: Sendable {
    /// One event of a payment became durable.
    struct DurableWrite: Sendable {
        let order: Int
        let time: Duration
        let ledger: String
        let process: String
        let payment: PaymentID
        let event: PaymentEvent
    }

    /// A process handed a raw transaction to the network.
    struct RawSent: Sendable {
        let order: Int
        let time: Duration
        let process: String
        let transaction: ChainTransaction
    }

    /// Goods left a gateway.
    struct GoodsLeft: Sendable {
        let order: Int
        let time: Duration
        /// When the request for them had come.
        let askedAt: Duration
        let asker: Asker
        /// The process that let them go.
        let process: String
        /// The upstream's answer, each a different one.
        let goods: String
        let path: String
        /// The credential's fields of the request.
        let credential: PresentedCredential?
        /// The proof of a transfer that it bore in their place.
        let proof: PresentedProof?
        /// The request's proof of the payer's key; nil when it bore none.
        let signIn: String?

        var isSignedIn: Bool { self.signIn != nil }
        /// What the request said it pays.
        var payment: PaymentID? { self.credential?.payment ?? self.proof?.payment }
    }

    /// The upstream did its work.
    struct UpstreamCall: Sendable {
        let time: Duration
        let payment: String?
        let path: String
    }

    var order = 0
    var writes: [DurableWrite] = []
    var sent: [RawSent] = []
    var goods: [GoodsLeft] = []
    /// Payments whose credentials were answered with what the upstream said in place of goods.
    var otherAnswers: [PaymentID] = []
    var upstreamCalls: [UpstreamCall] = []
    /// Authorizations that their payers themselves made public.
    var publishedByPayer: Set<AuthorizationKey> = []
    /// What gateways asked for by references, as buyers got it.
    var asked: [AskedReference] = []
    /// What buyers showed when there was no trouble any more.
    var shown: Set<ShownTransfer> = []
    /// What gateways said that was not so.
    var misleading: [String] = []
    /// The most payments of unknown outcome that each buyer's journal held for its one purchase.
    var openPayments: [Int: Int] = [:]
}

/// A credential as an observer of the wire reads it.
struct PresentedCredential: Hashable, Sendable {
    let dialect: String
    let key: AuthorizationKey
    let payment: PaymentID
    let challenge: String?
}

/// Takes down what is seen.
final class Observer: Sendable {
    private let events = Mutex(WorldEvents())

    var seen: WorldEvents { self.events.withLock { $0 } }

    func note(_ body: (inout WorldEvents, _ order: Int) -> Void) {
        self.events.withLock { events in
            events.order += 1
            body(&events, events.order)
        }
    }

    /// A process hands `transaction` to the network.
    func noteSent(_ transaction: ChainTransaction, by process: SimulatedProcess) {
        self.note { events, order in
            events.sent.append(
                WorldEvents.RawSent(
                    order: order, time: process.executor.now, process: process.name, transaction: transaction))
        }
    }
}
