// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// Requests without a payment whose payer has signed in: they are paid out of what the payer is owed.
extension PaidCalls {
    /// Serves a request out of the credit of `account`, in the first asset of the offer in which it suffices; asks for payment
    /// when it does in none.
    func spendCredit(
        of account: SignedInAccount, _ route: PricedRoute, _ upstream: UpstreamPool, _ request: Request,
        _ responder: consuming Responder
    ) async {
        let body: HeldBody
        do throws(HTTPError) { body = try await HeldBody(request) } catch {
            await self.proxy.refuse(.body(error), request.head, responder)
            return
        }
        let methods = route.terms.options.map { CreditMethod(account, $0) }.filter { account.isPayer(of: $0.key) }
        var ending = PaidRequest.Ending.insufficientCredit
        var last: PaidCall?
        // One sign-in buys once: what it has bought in one asset it does not buy again in another.
        let bought = await self.firstBought(methods)
        for method in bought.map({ [$0] }) ?? methods {
            last?.leave(ending)
            var call = self.call(
                method.credential, by: method, signedIn: account, route, upstream, request, body, rule: SettleRule(.before))
            ending = await call.run()
            last = call
            if case .insufficientCredit = ending { continue }
            break
        }
        guard let last else {
            let offer = route.offer(forPath: request.head.path)
            await self.proxy.challenge(route, offer, request.head, error: nil, receipt: nil, page: nil, responder)
            return
        }
        await last.deliver(ending, responder)
        last.leave(ending)
    }

    /// The purchase that this sign-in was already used for. A ledger that does not answer will not sell anything either.
    private func firstBought(_ methods: [CreditMethod]) async -> CreditMethod? {
        guard methods.count > 1 else { return nil }
        for method in methods where (try? await self.store.record(method.key.id)) != nil { return method }
        return nil
    }
}

/// Pays one option out of the credit of an account that has signed in: there is nothing left to verify, and nothing to settle.
struct CreditMethod: PaymentMethod {
    /// How long a claim by credit may be taken up, in seconds: as long as the sign-in that made it is good.
    private static let goodForSeconds = SignInExpectation.ageSecondsMax

    let credential: Credential
    /// The sign-in's nonce in the place of an authorization's. Marked, so that no authorization has the same.
    let key: PaymentKey
    private let payer: String

    init(_ account: SignedInAccount, _ option: PaymentOption) {
        self.credential = Credential(dialect: .credit, option: option, payload: [:], challengeHash: nil)
        self.key = PaymentKey(
            network: option.network, asset: option.asset.address, payer: account.account, nonce: "sign-in:\(account.nonce)")
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
