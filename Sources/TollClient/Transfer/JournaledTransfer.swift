// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
internal import TollPrimitives
public import TollProtocol

/// A transfer as the journal tells it: what was asked for, and everything that was signed to pay it.
public struct JournaledTransfer: Hashable, Sendable {
    /// What was asked for. The reference in it is a secret, as signed payments are.
    public let instructions: TransferProof.Instructions
    /// What was signed, oldest first, all under one number: a chain takes at most one of them. Never empty.
    public internal(set) var transactions: [SignedTransfer]

    /// The one that counts while none is in a block: each later one offers more for gas than those before.
    public var newest: SignedTransfer { self.transactions[self.transactions.count - 1] }

    /// The payment's name in the journal: one for a reference, so that no reference is ever paid twice.
    static func id(_ reference: TransferProof.Reference) -> Bytes32 {
        Keccak256.hash(text: "\(TransferOffer.dialect) \(reference.text)")
    }
}

extension JournaledPayment {
    /// Whether it is a transfer that the payer makes itself. Of those the chain knows transactions, not authorizations.
    public var isTransfer: Bool { self.terms.dialect == TransferOffer.dialect }

    /// Whether a transfer may be on its way, or may have arrived and bought nothing yet. However old it is: what is signed can be
    /// mined at any time.
    var isUnderWay: Bool { self.isTransfer && self.state == .signed }
}

extension Journal {
    /// Signs a transfer for a reserved payment, and has it on disk with the instructions before anybody can send it.
    ///
    /// - Parameters:
    ///   - next: The number that the chain has for the account's next transaction.
    ///   - make: Signs under the number that it is given: none that an open transfer of the account has.
    func sign(
        _ hold: Hold, _ instructions: TransferProof.Instructions, _ terms: JournaledPayment.Terms, next: UInt64, at time: UInt64,
        _ make: (UInt64) throws(JournalError) -> SignedTransfer
    ) throws(JournalError) -> SignedTransfer {
        try self.append(to: hold, at: time) { payments throws(JournalError) in
            let taken = payments.filter { $0.isUnderWay && $0.sharesAccount(with: terms) }.compactMap(\.transfer?.newest.number)
            let signed = try make(max(next, (taken.max() ?? 0) + (taken.isEmpty ? 0 : 1)))
            return (.signed(instructions, signed), signed)
        }
    }

    /// A transfer under the same number is signed and about to be sent.
    func markSigned(_ hold: Hold, _ transfer: SignedTransfer, at time: UInt64) throws(JournalError) {
        try self.append(to: hold, at: time) { _ throws(JournalError) in (.signed(nil, transfer), ()) }
    }

    /// A transfer of the same account and network that no living process is at, and that no node knows: what is signed after it
    /// would wait for it.
    ///
    /// - Parameter next: The number that the chain has for the account's next transaction.
    func stalledTransfer(before terms: JournaledPayment.Terms, next: UInt64) throws(JournalError) -> JournaledPayment? {
        for payment in try self.payments() where payment.isUnderWay && payment.sharesAccount(with: terms) {
            guard let number = payment.transfer?.newest.number, number >= next else { continue }
            if try self.hold(payment, \.isUnderWay) != nil { return payment }
        }
        return nil
    }

    /// Holds every transfer that is under way, leaving out those that a living process is at.
    func transfersUnderWay() throws(JournalError) -> [(JournaledPayment, Hold)] {
        var held: [(JournaledPayment, Hold)] = []
        for payment in try self.payments() where payment.isUnderWay {
            if let hold = try self.hold(payment, \.isUnderWay) { held.append((payment, hold)) }
        }
        return held
    }
}

extension JournaledPayment {
    fileprivate func sharesAccount(with terms: Terms) -> Bool {
        self.terms.option.network == terms.option.network && self.terms.account == terms.account
    }
}
