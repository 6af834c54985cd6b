// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Requests without a payment whose payer has signed in: they are paid out of what the payer is owed.
extension PaidCalls {
    /// Serves a request out of the credit of `account`, in the first asset of the offer in which it suffices; asks for payment
    /// when it does in none.
    func spendCredit(
        of account: SignedInAccount, _ route: PricedRoute, _ upstream: UpstreamPool, _ request: Request,
        _ responder: consuming Responder
    ) async {
        guard !self.screening.isDenied(account.account) else {
            self.log.info("payer denied", ["route": route.pattern, "payer": account.account])
            await self.proxy.refuse(.payerDenied, request.head, responder)
            return
        }
        let body: HeldBody
        do throws(HTTPError) { body = try await HeldBody(request) } catch {
            await self.proxy.refuse(.body(error), request.head, responder)
            return
        }
        let options = route.terms.options.filter { account.isHolder(on: $0.network) }
        guard let first = options.first else {
            let offer = route.offer(forPath: request.head.path)
            await self.proxy.challenge(
                route, offer, request.head, ChallengeOccasion(client: request.clientIP), receipt: nil, page: nil, responder)
            return
        }
        let method = CreditMethod(account, first)
        var call = self.call(
            method.credential, by: method, signedIn: account, route, upstream, request, body, rule: SettleRule(.before),
            alternatives: Array(options.dropFirst()))
        let ending = await call.run()
        self.metrics.ended(ending)
        await call.deliver(ending, responder)
        call.leave(ending)
    }
}

/// Pays one option out of the credit of an account that has signed in: there is nothing left to verify, and nothing to settle.
struct CreditMethod: PaymentMethod {
    /// How long a claim by credit may be taken up, in seconds: as long as the sign-in that made it is good.
    private static let goodForSeconds = SignInExpectation.ageSecondsMax

    var isPaidAhead: Bool { true }

    let credential: Credential
    /// The sign-in's nonce in the place of an authorization's, marked, so that no authorization has the same. One sign-in buys
    /// once, whatever it pays with: the asset is not part of the key.
    let key: PaymentKey
    private let payer: String

    init(_ account: SignedInAccount, _ option: PaymentOption) {
        self.credential = Credential(dialect: .credit, option: option, payload: [:], challengeHash: nil)
        self.key = PaymentKey(
            network: account.chain, asset: "credit", payer: account.account, nonce: "sign-in:\(account.nonce)")
        self.payer = account.account
    }

    func takes(_ option: PaymentOption) -> Bool { option == self.credential.option }

    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        .valid(
            VerifiedPayment(key: self.key, payer: self.payer, unusedAtBlock: 0, validBefore: time + Self.goodForSeconds))
    }

    func settle(_ payment: PaymentRecord, keeping events: [PaymentEvent], patience: Duration) async -> SettlementOutcome {
        payment.settlement.map(SettlementOutcome.settled) ?? .unavailable(reason: "credit is settled when it is spent")
    }
}
