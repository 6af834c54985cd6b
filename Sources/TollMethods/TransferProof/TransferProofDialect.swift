// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
public import TollHTTP
public import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// Payment by a transfer that the client sends by itself: instructions in the 402, the transaction's hash in `X-402-Proof` or
/// another field of its kind. Described in docs/transfer-proof.md.
public struct TransferProofDialect: Dialect {
    /// Seconds after which it is worth asking again how far a transfer is.
    private static let retryAfterSeconds = 2

    public let id = DepositBook.dialect
    public let credentialFields = TransferProof.proofFields.compactMap { FieldName($0) }
    public let responseFields = [
        TransferProof.requiredField, TransferProof.recipientField, TransferProof.linkField,
    ].compactMap { FieldName($0) }
    public let makesEachChallenge = true
    /// `Payment` and `Pay`.
    public let usesCommonNames = true

    private let desk: ReferenceDesk
    private let statuses: TransferStatuses

    init(desk: ReferenceDesk, statuses: TransferStatuses) {
        self.desk = desk
        self.statuses = statuses
    }

    /// The instructions: those of the reference that was brought back as long as it can be paid, new ones otherwise.
    public func additions(to offer: Offer, for occasion: ChallengeOccasion) async -> ChallengeAdditions? {
        var members: JSONObject = [:]
        var instructions: TransferProof.Instructions?
        if let refused = occasion.refused, refused.dialect == self.id,
            let reference = refused.challenge.flatMap({ TransferProof.Reference($0.text) })
        {
            instructions = await self.desk.reopen(reference, for: offer)
            let reason = occasion.refusal.map { TransferProof.Reason(rawValue: $0.reason) }
            if let status = try? await self.statuses.status(of: reference, reason: reason) { members = status.challengeMembers }
        }
        if instructions == nil {
            members = members["state"] == nil ? [:] : members
            instructions = await self.desk.open(offer, for: occasion.client)
            // What is said of the old reference is not said of the new one.
            if instructions != nil { members = [:] }
        }
        guard let instructions else { return nil }
        members["paymentUri"] = .string(instructions.paymentURI)
        members["amount"] = .string(instructions.amount.description)
        return ChallengeAdditions(extensions: [TransferProof.name: .object(instructions.json)], members: members)
    }

    public func challenge(for offer: Offer, error: String?) -> Challenge {
        let additions = offer.additions
        guard let instructions = try? TransferProof.Instructions(extensions: additions.extensions) else { return Challenge() }
        var fields = instructions.fields.map { ChallengeField(name: $0.name, value: Array($0.value.utf8)) }
        if additions.members["state"] == .string(TransferProof.Status.State.processing.rawValue) {
            fields.append(ChallengeField(name: "Retry-After", value: Array("\(Self.retryAfterSeconds)".utf8)))
        }
        if !offer.dialects.contains(X402V2Dialect().id) {
            // For clients that look there for anything: nothing of x402 is taken.
            let required = X402V2.PaymentRequired(
                error: error ?? X402V2.PaymentRequired.noPaymentError,
                resource: X402V2.ResourceInfo(url: offer.resource, description: nil, mimeType: offer.mimeType), accepts: [],
                extensions: additions.extensions, members: additions.members)
            fields.append(ChallengeField(name: PaymentHeader.paymentRequired, value: Array(required.headerValue.utf8)))
        }
        var body = additions.members
        body["extensions"] = .object([TransferProof.name: .object(instructions.json)])
        return Challenge(
            fields: fields, body: body,
            documents: [.form, .paymentRequest].map { (format: TransferProof.Format) in
                ChallengeDocument(mediaType: format.rawValue, body: instructions.body(as: format))
            })
    }

    public func read(_ head: RequestHead, offers: [Offer]) -> CredentialReading {
        let proof: TransferProof.Proof?
        do throws(WireError) {
            proof = try TransferProof.Proof.read { name in
                FieldName(name).map { head.fields.values(of: $0).map { String(decoding: $0, as: UTF8.self) } } ?? []
            }
        } catch {
            return .malformed(field: Self.field(in: head), reason: error.description)
        }
        guard let proof else { return .none }
        let options = offers.filter { $0.references != nil }.flatMap(\.options)
        let network = ChainID(eip155: proof.chainID)
        guard let option = options.first(where: { $0.network == network }) ?? options.first(where: { $0.network.eip155 != nil })
        else {
            return .mismatched(PaymentRefusal(TransferProof.Reason.wrongNetwork.rawValue, detail: "nothing here is sold so"))
        }
        guard let reference = proof.reference else {
            return .mismatched(
                PaymentRefusal(
                    TransferProof.Reason.referenceRequired.rawValue,
                    detail: "name the reference of the instructions that were paid"))
        }
        return .credential(
            Credential(
                dialect: self.id,
                option: PaymentOption(
                    scheme: DepositBook.scheme, asset: option.asset, amount: option.amount, payTo: option.payTo,
                    maxTimeoutSeconds: option.maxTimeoutSeconds),
                payload: ShownProof.payload(proof, routes: Array(Set(offers.map(\.route))).sorted()),
                challengeHash: SHA256.hash(Array(reference.text.utf8)), challenge: PresentedChallenge(reference.text)))
    }

    private static func field(in head: RequestHead) -> String {
        TransferProof.proofFields.first { name in FieldName(name).map { head.fields.contains($0) } ?? false } ?? "X-402-Proof"
    }

    /// The receipt of x402 version 2, which says all there is to say.
    public func receipt(_ receipt: Receipt) -> [(name: String, value: String)] { X402V2Dialect().receipt(receipt) }
}
