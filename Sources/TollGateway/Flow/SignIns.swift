// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollRuntime

/// Finds out whose key the client of a request holds.
final class SignIns: Sendable {
    private let expectation: SignInExpectation
    private let verifier: (any SignInVerifier)?
    private let environment: Environment
    private let log: Logger

    /// Sign-ins to `origin`, the public one.
    init(to origin: Origin, verifier: (any SignInVerifier)?, environment: Environment, log: Logger) {
        self.expectation = SignInExpectation(origin)
        self.verifier = verifier
        self.environment = environment
        self.log = log
    }

    /// The account that has signed what was read of `request`; nil when it presents no sign-in. One that is wrong is never taken
    /// for none: who signs in wants to be recognised.
    func account(_ reading: SignInReading, _ request: Request) async throws(GatewayProblem) -> SignedInAccount? {
        switch reading {
        case .none: return nil
        case .malformed(let field, let reason):
            self.log.info("sign-in refused", ["client": request.clientIP, "field": field, "reason": reason])
            throw .malformedSignIn(field: field, reason: reason)
        case .proof(let proof):
            if let refusal = self.expectation.objection(to: proof, at: Int64(self.environment.now())) {
                throw self.refused(refusal, request)
            }
            switch await self.verifier?.verify(proof) {
            case .valid(let account): return account
            case .invalid(let refusal): throw self.refused(refusal, request)
            case .unavailable(let reason):
                self.log.error("a sign-in cannot be checked", ["reason": reason])
                throw .unavailable
            case nil: throw self.refused(SignInRefusal(.unsupportedChain, "no account can sign in here"), request)
            }
        }
    }

    private func refused(_ refusal: SignInRefusal, _ request: Request) -> GatewayProblem {
        self.log.info(
            "sign-in refused", ["client": request.clientIP, "reason": refusal.reason.rawValue, "detail": refusal.detail])
        return .signInRefused(refusal)
    }
}
