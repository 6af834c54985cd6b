// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollPrimitives

/// A transaction with a base fee and a tip (EIP-1559, type 2).
public struct EIP1559Transaction: Hashable, Sendable {
    /// Storage that the transaction announces to touch (EIP-2930).
    public struct Access: Hashable, Sendable {
        /// The contract.
        public let address: Address
        /// Its storage slots.
        public let storageKeys: [Bytes32]

        /// An entry of the access list.
        public init(address: Address, storageKeys: [Bytes32]) {
            self.address = address
            self.storageKeys = storageKeys
        }
    }

    /// The chain it is for.
    public var chainID: UInt64
    /// The number of transactions the sender made before.
    public var nonce: UInt64
    /// The most the block's producer gets, in wei per gas.
    public var maxPriorityFeePerGas: UInt256
    /// The most it costs, in wei per gas.
    public var maxFeePerGas: UInt256
    /// The most gas it may use.
    public var gasLimit: UInt64
    /// Whom it calls; nil creates a contract.
    public var to: Address?
    /// Wei sent along.
    public var value: UInt256
    /// Calldata.
    public var data: [UInt8]
    /// Storage announced.
    public var accessList: [Access]

    /// A transaction of these members.
    public init(
        chainID: UInt64,
        nonce: UInt64,
        maxPriorityFeePerGas: UInt256,
        maxFeePerGas: UInt256,
        gasLimit: UInt64,
        to: Address?,
        value: UInt256 = 0,
        data: [UInt8] = [],
        accessList: [Access] = []
    ) {
        self.chainID = chainID
        self.nonce = nonce
        self.maxPriorityFeePerGas = maxPriorityFeePerGas
        self.maxFeePerGas = maxFeePerGas
        self.gasLimit = gasLimit
        self.to = to
        self.value = value
        self.data = data
        self.accessList = accessList
    }

    /// What is signed: the Keccak-256 of 0x02 and the RLP of the nine members.
    public var signingHash: Bytes32 {
        Keccak256.hash([Self.type] + RLP.encode(.list(self.items)))
    }

    /// The transaction with `key`'s signature.
    public func signed(by key: PrivateKey) -> SignedTransaction {
        SignedTransaction(self, signature: key.sign(digest: self.signingHash))
    }

    static let type: UInt8 = 0x02

    var items: [RLP.Item] {
        [
            .integer(UInt256(self.chainID)),
            .integer(UInt256(self.nonce)),
            .integer(self.maxPriorityFeePerGas),
            .integer(self.maxFeePerGas),
            .integer(UInt256(self.gasLimit)),
            .bytes(self.to?.bytes ?? []),
            .integer(self.value),
            .bytes(self.data),
            .list(self.accessList.map { .list([.bytes($0.address.bytes), .list($0.storageKeys.map { .bytes($0.bytes) })]) }),
        ]
    }

    init?(items: some Collection<RLP.Item>) {
        let items = Array(items)
        guard items.count == 9,
            let chainID = items[0].integer?.uint64,
            let nonce = items[1].integer?.uint64,
            let maxPriorityFeePerGas = items[2].integer,
            let maxFeePerGas = items[3].integer,
            let gasLimit = items[4].integer?.uint64,
            let recipient = items[5].bytes,
            let value = items[6].integer,
            let data = items[7].bytes,
            let accessList = items[8].list
        else { return nil }
        let to = Address(recipient)
        guard to != nil || recipient.isEmpty else { return nil }
        self.init(
            chainID: chainID,
            nonce: nonce,
            maxPriorityFeePerGas: maxPriorityFeePerGas,
            maxFeePerGas: maxFeePerGas,
            gasLimit: gasLimit,
            to: to,
            value: value,
            data: data
        )
        for item in accessList {
            guard let access = Access(item) else { return nil }
            self.accessList.append(access)
        }
    }
}

extension EIP1559Transaction.Access {
    fileprivate init?(_ item: RLP.Item) {
        guard let members = item.list, members.count == 2,
            let address = members[0].bytes.flatMap({ Address($0) }),
            let keys = members[1].list
        else { return nil }
        let storageKeys = keys.compactMap { $0.bytes.flatMap { Bytes32($0) } }
        guard storageKeys.count == keys.count else { return nil }
        self.init(address: address, storageKeys: storageKeys)
    }
}

/// A signed type 2 transaction: what a node takes, and what a ledger keeps to be able to send it again.
public struct SignedTransaction: Hashable, Sendable {
    /// Why bytes are no signed type 2 transaction.
    public enum DecodingError: Error, Hashable, Sendable {
        /// The first byte, the transaction's type, is not 2.
        case type
        /// What follows is no RLP.
        case encoding(RLP.DecodingError)
        /// A member is missing, of the wrong kind or out of range.
        case member
    }

    /// What was signed.
    public let transaction: EIP1559Transaction
    /// The sender's signature.
    public let signature: RecoverableSignature
    /// The bytes for `eth_sendRawTransaction`.
    public let raw: [UInt8]
    /// The transaction's hash, known before it is sent.
    public let hash: Bytes32

    /// `transaction` with a signature over its ``EIP1559Transaction/signingHash``.
    public init(_ transaction: EIP1559Transaction, signature: RecoverableSignature) {
        self.transaction = transaction
        self.signature = signature
        let tail: [RLP.Item] = [
            .integer(UInt256(UInt64(signature.recoveryID))), .integer(UInt256(signature.r)), .integer(UInt256(signature.s)),
        ]
        self.raw = [EIP1559Transaction.type] + RLP.encode(.list(transaction.items + tail))
        self.hash = Keccak256.hash(self.raw)
    }

    /// Reads what ``raw`` wrote; only the canonical encoding.
    public init(raw: [UInt8]) throws(DecodingError) {
        guard raw.first == EIP1559Transaction.type else { throw .type }
        let item: RLP.Item
        do { item = try RLP.decode(Array(raw.dropFirst())) } catch { throw .encoding(error) }
        guard let items = item.list, items.count == 12,
            let transaction = EIP1559Transaction(items: items.prefix(9)),
            let recoveryID = items[9].integer?.uint64, recoveryID < 2,
            let r = items[10].integer, let s = items[11].integer,
            let signature = RecoverableSignature(r: r.word, s: s.word, recoveryID: UInt8(recoveryID))
        else { throw .member }
        self.init(transaction, signature: signature)
    }

    /// Who signed it.
    public func sender() throws(RecoverableSignature.RecoveryError) -> Address {
        try self.signature.signer(of: self.transaction.signingHash)
    }
}
