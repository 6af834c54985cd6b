// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Buying with what a server owes. To the journal it is a payment that costs nothing: recorded before it is sent, and sent again
/// as it was when its outcome is open.
extension Buyer {
    /// What the server at `origin` owes; nothing when the journal cannot be read.
    func credits(at origin: Origin) -> [Credit] {
        ((try? self.journal.payments()).map(Credit.all) ?? []).filter { $0.origin == origin }
    }

    /// Signs in and spends credit. False when the server does not take it: then the call is paid for as if there were none.
    func spendCredit(
        _ candidate: Candidate, _ invitation: SignInInvitation, at url: URLParts, _ request: PurchaseRequest,
        _ deliver: BodySink, _ report: inout PurchaseReport
    ) async throws(PurchaseFailure) -> Bool {
        guard let (payment, hold) = try self.commitCredit(candidate, invitation, at: url, request) else {
            report.notices.append("the credit that the journal knows of cannot be spent: the sign-in could not be recorded")
            return false
        }
        return try await self.presentCredit(payment, hold, request, isFirst: true, deliver, &report)
    }

    /// Sends a recorded purchase with credit; false when the server does not take it.
    func presentCredit(
        _ payment: JournaledPayment, _ hold: Journal.Hold, _ request: PurchaseRequest, isFirst: Bool, _ deliver: BodySink,
        _ report: inout PurchaseReport
    ) async throws(PurchaseFailure) -> Bool {
        do throws(PurchaseFailure) {
            try await self.present(payment, hold, request, isFirst: isFirst, deliver, &report)
            return true
        } catch {
            // Nothing was taken. What is paid now is not paid twice.
            guard report.payment == nil, error.code == .paymentRefused || error.code == .serverError else { throw error }
            report.notices.append("the server did not take the credit that the journal knows of: \(error.message)")
            return false
        }
    }

    private func commitCredit(
        _ candidate: Candidate, _ invitation: SignInInvitation, at url: URLParts, _ request: PurchaseRequest
    ) throws(PurchaseFailure) -> (JournaledPayment, Journal.Hold)? {
        let option = candidate.option
        guard let proof = candidate.signer.signIn(invitation.info, on: option.network) else { return nil }
        let now = self.environment.now()
        // The server's nonce names it, so that one invitation is never answered twice.
        let id = Keccak256.hash(text: "\(url.origin)/\(proof.address)/\(proof.info.nonce)")
        let terms = JournaledPayment.Terms(
            request: request.digest, method: request.method.token, url: url, dialect: Credit.dialect,
            account: candidate.signer.account, option: option, cost: Dollars(0), validBefore: now + Self.signInSeconds)
        guard case .granted(let hold) = try? self.journal.reserve(terms, id: id, budget: Budget(), at: now) else { return nil }
        let (field, value) = (X402V2.SignIn.header, proof.headerValue)
        try Self.journaled { () throws(JournalError) in try self.journal.markSent(hold, field: field, value: value, at: now) }
        return (JournaledPayment(id: id, time: now, terms: terms, state: .sent(field: field, value: value)), hold)
    }

    /// How long a server takes a sign-in, in seconds. Source: x402 specs/extensions/sign-in-with-x.md.
    private static let signInSeconds: UInt64 = 300
}
