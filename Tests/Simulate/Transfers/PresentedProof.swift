// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol

/// The proof of a transfer as an observer of the wire reads it.
struct PresentedProof: Hashable, Sendable {
    let transaction: Bytes32
    /// The digest of the reference; nil when it names none.
    let reference: Bytes32?
    /// The call that the reference buys.
    let payment: PaymentID?

    /// As an observer reads a request.
    init?(_ head: RequestHead) {
        let proof = try? TransferProof.Proof.read { name in
            FieldName(name).flatMap { head.fields.firstText($0) }.map { [$0] } ?? []
        }
        guard let proof else { return nil }
        self.transaction = proof.txHash
        self.reference = proof.reference?.digest
        self.payment = self.reference.map { PaymentKey.call(reference: $0, network: Market.chain, payer: "").id }
    }
}

/// What a 402 asked somebody for.
struct AskedReference: Sendable {
    let reference: Bytes32
    let asker: Asker
    let time: Duration
    let instructions: TransferProof.Instructions
}

/// What somebody showed for a reference, and can show for it: its own, sent as it was asked.
struct ShownTransfer: Hashable, Sendable {
    let reference: Bytes32
    let transaction: Bytes32
}

extension TransferProof.Reference {
    /// What the ledger knows it by.
    var digest: Bytes32 { SHA256.hash(Array(self.text.utf8)) }
}
