// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives
public import TollProtocol

/// Says who vouches for the instructions of a 402. Needs no key and asks nobody.
public protocol InstructionsReader: Sendable {
    /// Whose signature the instructions carry.
    func author(of instructions: TransferProof.Instructions) -> InstructionsAuthor
}

/// Whose signature instructions carry. Whether that account may vouch for them is for the reader to say.
public enum InstructionsAuthor: Hashable, Sendable {
    /// There is no signature.
    case nobody
    /// The key of this account signed them.
    case account(String)
    /// The signature is not by the key of the account that they name.
    case notBy(String)
    /// The signature, or the account they name, is none.
    case malformed
}

/// A transfer as it is sent: signed, and on disk before anybody sees it.
public struct SignedTransfer: Hashable, Sendable {
    /// The transaction's hash.
    public let hash: Bytes32
    /// The transaction's bytes.
    public let raw: [UInt8]
    /// Its number among the sender's transactions: of all that have one number, a chain takes one.
    public let number: UInt64
    /// Whether it moves nothing, and only takes the place of one that does.
    public let isVoid: Bool

    /// A transfer by all its fields.
    public init(hash: Bytes32, raw: [UInt8], number: UInt64, isVoid: Bool = false) {
        self.hash = hash
        self.raw = raw
        self.number = number
        self.isVoid = isVoid
    }
}

/// What a transfer would take, as the chain says it now.
public struct TransferQuote: Hashable, Sendable {
    /// The most gas it may use.
    public let gas: UInt64
    /// The most that is offered for a unit of gas, in the smallest unit of the chain's coin.
    public let feePerGas: UInt256
    /// The most of it that goes to the block's producer.
    public let tipPerGas: UInt256
    /// The number of the account's next transaction, those that wait included.
    public let nextNumber: UInt64

    /// A quote by all its fields.
    public init(gas: UInt64, feePerGas: UInt256, tipPerGas: UInt256, nextNumber: UInt64) {
        self.gas = gas
        self.feePerGas = feePerGas
        self.tipPerGas = tipPerGas
        self.nextNumber = nextNumber
    }
}

/// What the chain says of a transfer that nobody has signed yet.
public enum TransferProspect: Hashable, Sendable {
    /// It can be made.
    case ready(TransferQuote)
    /// The account has too little of the token: this much, in its smallest unit.
    case lacksToken(held: UInt256)
    /// The account has too little of the chain's coin: this much, where it needs so much at most, with 18 decimals.
    case lacksGas(held: UInt256, needed: UInt256)
    /// It would fail, for this reason.
    case refused(reason: String)
    /// The chain did not answer, or not now.
    case unknown(reason: String)
}

/// What came of handing a transfer to the chain. None of them says whether it is mined.
public enum TransferSending: Hashable, Sendable {
    /// A node has it.
    case accepted
    /// A transaction with its number is in a block: this one, or another.
    case numberUsed
    /// It offers too little for gas.
    case underpriced(reason: String)
    /// No node takes it, for this reason.
    case refused(reason: String)
    /// No node answered: it may be on its way.
    case unknown(reason: String)
}

/// Where the transfers of one number are.
public enum TransferSighting: Hashable, Sendable {
    /// One that is in a block.
    public struct Mined: Hashable, Sendable {
        /// Which.
        public let hash: Bytes32
        /// The block's number.
        public let block: UInt64
        /// Blocks from it to the newest, itself included.
        public let depth: UInt64
        /// Whether it ran to its end.
        public let succeeded: Bool

        /// One by all its fields.
        public init(hash: Bytes32, block: UInt64, depth: UInt64, succeeded: Bool) {
            self.hash = hash
            self.block = block
            self.depth = depth
            self.succeeded = succeeded
        }
    }

    /// In no block yet.
    case waiting
    /// One of them is in a block, so the others never will be.
    case mined(Mined)
    /// Another transaction of the account has the number, for good: none of them ever will be in a block.
    case displaced
    /// The chain did not answer.
    case unknown(reason: String)
}

/// What came of asking for a transaction in the place of one that is not mined.
public enum TransferReplacement: Hashable, Sendable {
    /// It is signed, under the same number.
    case signed(SignedTransfer)
    /// There is none, for this reason.
    case impossible(reason: String)
}

/// The chains to which transfers are handed.
public protocol TransferChain: Sendable {
    /// Whether there is a node of `network` to ask.
    func reaches(_ network: ChainID) -> Bool

    /// Hands a signed transfer to the chain. The same one again does no harm.
    func send(_ transfer: SignedTransfer, on network: ChainID) async -> TransferSending

    /// Where `transfers` of `account` are, which all have one number.
    func look(for transfers: [SignedTransfer], of account: String, on network: ChainID) async -> TransferSighting
}

/// Pays by transfers of its own from one account, for servers that take a proof of them. Knows nothing of HTTP, budgets, or
/// whether a transfer is wanted: whoever calls has decided that, and writes down what was signed before it is sent.
public protocol TransferSender: TransferChain {
    /// The account, as the chain's people write it.
    var account: String { get }

    /// Why a transfer of `option` must not be signed, in words: a payee that is no address, or a mistyped one. Nil when it may.
    func objection(to option: PaymentOption) -> String?

    /// What the chain says of a transfer of `option`.
    func prospect(of option: PaymentOption) async -> TransferProspect

    /// The transfer of exactly `option.amount` to `option.payTo`, under `number`. Sends nothing.
    func sign(_ option: PaymentOption, _ quote: TransferQuote, number: UInt64) throws(PaymentSigningError) -> SignedTransfer

    /// A dearer transaction under the number of `transfer`: the same transfer, or one that moves nothing. Sends nothing.
    func replacement(of transfer: SignedTransfer, isVoid: Bool, on network: ChainID) async -> TransferReplacement

    /// The proof that `transaction` pays for `reference`, signed by the account; the same for the same. Nil on chains where the
    /// account cannot sign one.
    func proof(
        of transaction: Bytes32, for reference: TransferProof.Reference, on network: ChainID
    ) -> TransferProof.Proof?
}
