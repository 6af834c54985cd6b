// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollEVM
public import TollPayments
public import TollRuntime

/// All that a seller needs to be paid by transfers that clients send by themselves: the dialect, the method, and what it tells of
/// references.
public struct TransferProofRail: Sendable {
    /// The name of the secret in the ledger from which the key is made that signs instructions, where none is configured.
    public static let signerSecret = "transfer-proof signer"

    /// How it travels.
    public let dialect: TransferProofDialect
    /// How the money is found.
    public let method: TransferProofMethod
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
        let statuses = TransferStatuses(
            references: references, book: DepositBook(store: store), notes: notes, environment: environment)
        self.dialect = TransferProofDialect(
            desk: ReferenceDesk(
                networks: byChain, store: references, signer: signer, environment: environment, log: log),
            statuses: statuses)
        self.method = TransferProofMethod(
            networks: byChain, references: references, store: store, notes: notes, environment: environment, log: log)
        self.statuses = statuses
        self.services = []
        self.signer = signer.address
    }
}
