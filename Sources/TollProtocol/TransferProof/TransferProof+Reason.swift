// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

extension TransferProof {
    /// Why a transfer does not pay for a reference, for programs. Others may come from outside.
    public struct Reason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The text on the wire.
        public let rawValue: String

        /// Any text; the known ones are static members.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        private init(_ rawValue: String) {
            self.rawValue = rawValue
        }

        /// The text on the wire.
        public var description: String { self.rawValue }
    }
}

extension TransferProof.Reason {
    /// No node knows the transaction (yet): pending, dropped, or never sent.
    public static let notFound = Self("transaction_not_found")
    /// It is in a block, but not deep enough.
    public static let unconfirmed = Self("unconfirmed")
    /// The transaction failed: nothing moved.
    public static let reverted = Self("transaction_reverted")
    /// The proof names a chain that the instructions do not.
    public static let wrongNetwork = Self("wrong_network")
    /// The transaction moves tokens to the recipient, but of another contract.
    public static let wrongToken = Self("wrong_token")
    /// The transaction moves the token, but not to the recipient.
    public static let wrongRecipient = Self("wrong_recipient")
    /// The transaction holds no Transfer of a token at all.
    public static let noTransfer = Self("no_transfer")
    /// Less arrived than is due.
    public static let underpaid = Self("underpaid")
    /// The amount is not the one that binds it to the reference.
    public static let wrongAmount = Self("wrong_amount")
    /// The transfer was there before the reference.
    public static let tooEarly = Self("too_early")
    /// The transfer came after the reference had expired.
    public static let tooLate = Self("too_late")
    /// The reference is not known here, or was forgotten after its time.
    public static let unknownReference = Self("unknown_reference")
    /// The proof has no reference, without which its transaction is anybody's.
    public static let referenceRequired = Self("reference_required")
    /// The proof needs the sender's signature.
    public static let signatureRequired = Self("signature_required")
    /// The signature is not by the sender of the transfer, or over another text.
    public static let invalidSignature = Self("invalid_signature")
    /// The transfer has paid for something already, in this dialect or another.
    public static let alreadyUsed = Self("already_used")
    /// The transfer was made by an authorization, which is paid by another dialect.
    public static let authorized = Self("authorized_transfer")
    /// The block that held the transfer is no longer part of the chain.
    public static let reorganized = Self("reorganized")
    /// Nodes that must agree do not.
    public static let nodesDisagree = Self("nodes_disagree")
}
