// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollEVM
public import TollPayments
public import TollPrimitives
public import TollRuntime

/// All that a seller needs to be paid by transfers that clients send by themselves: the dialect, the method, and what it tells of
/// references.
public struct TransferProofRail: Sendable {
    /// The name of the secret in the ledger from which the key is made that signs instructions, where none is configured.
    public static let signerSecret = "transfer-proof signer"

    /// How it travels.
    public let dialect: TransferProofDialect
    /// How the money is found.
    public let method: any PaymentMethod
    /// What `GET /payments/{reference}` answers.
    public let statuses: any PaymentStatuses
    /// What goes on beside the requests.
    public let services: [any Service]
    /// The account whose key signs instructions, for directories.
    public let signer: Address

    /// - Parameters:
    ///   - references: Where references are kept: the ledger.
    ///   - signer: Vouches for instructions. It moves no money.
    public init(
        networks: [TransferProofNetwork], references: any ReferenceStore, store: any PaymentStore, signer: PrivateKey,
        environment: Environment, log: Logger
    ) {
        let byChain = Dictionary(networks.map { ($0.network.chain, $0) }) { first, _ in first }
        let notes = ReferenceNotes()
        let method = TransferProofMethod(
            networks: byChain, references: references, store: store, notes: notes, environment: environment, log: log)
        self.init(
            method: method,
            heads: RecentHeads(byChain, environment: environment), references: references, store: store, notes: notes,
            signer: signer, services: [DepositWatcher(method, store: store)], environment: environment, log: log)
    }

    /// Without a chain, for trying things out: whatever transaction is shown is taken for the transfer that was asked for.
    public static func mock(
        chains: Set<ChainID>, references: any ReferenceStore, store: any PaymentStore, signer: PrivateKey,
        environment: Environment, log: Logger
    ) -> TransferProofRail {
        TransferProofRail(
            method: MockTransferProof(references: references, store: store), heads: MockHeads(chains: chains),
            references: references, store: store, notes: ReferenceNotes(), signer: signer, services: [],
            environment: environment, log: log)
    }

    private init(
        method: any PaymentMethod, heads: any ChainHeads, references: any ReferenceStore, store: any PaymentStore,
        notes: ReferenceNotes, signer: PrivateKey, services: [any Service], environment: Environment, log: Logger
    ) {
        let statuses = TransferStatuses(
            references: references, book: DepositBook(store: store), notes: notes, environment: environment)
        self.dialect = TransferProofDialect(
            desk: ReferenceDesk(heads: heads, store: references, signer: signer, environment: environment, log: log),
            statuses: statuses)
        self.method = method
        self.statuses = statuses
        self.services = services
        self.signer = signer.address
    }
}
