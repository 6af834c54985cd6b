// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollPrimitives

/// Decides the course of one purchase: whether to pay, what, to whom, and what the answers mean. No I/O, no clock, no keys.
///
/// Whatever the server does, one purchase sends at most one payment, and never one over the policy.
public struct PurchaseMachine: Sendable {
    /// What to do next.
    public enum Action: Sendable {
        /// Ask for this URL without paying; then ``PurchaseMachine/answered(_:body:)``.
        case ask(URLParts)
        /// Sign in and buy with what the server owes the signer's account; where it takes that the purchase ends, else
        /// ``PurchaseMachine/creditRefused()``.
        case spendCredit(Candidate, SignInInvitation, URLParts)
        /// Look up what the signer's account has; then ``PurchaseMachine/funds(_:)``.
        case lookUpFunds(Candidate)
        /// Reserve, sign, record, send; then ``PurchaseMachine/paid(_:body:)``.
        case pay(Candidate, URLParts, ReceivedOffer)
        /// Only see whether the budget has room: this is a dry run.
        case preview(Candidate, URLParts)
        /// The answer came without payment: deliver it.
        case deliver(notices: [String])
        /// It ends here.
        case fail(PurchaseFailure)
    }

    private enum State {
        case asking(URLParts, redirects: Int)
        case choosing([Candidate], URLParts, ReceivedOffer, shortfall: String?)
        case ended
    }

    /// More in a row are taken for a loop.
    public static let redirectsMax = 5

    private let request: PurchaseRequest
    private let policy: PurchasePolicy
    private let directory: NetworkDirectory
    private let signers: [any PaymentSigner]
    private let credits: [Credit]
    private var state: State

    /// A purchase of `request` under `policy`. What servers owe by `credits` is spent before anything is paid.
    public init(
        _ request: PurchaseRequest, policy: PurchasePolicy, directory: NetworkDirectory, signers: [any PaymentSigner],
        credits: [Credit] = []
    ) {
        self.request = request
        self.policy = policy
        self.directory = directory
        self.signers = signers
        self.credits = credits
        self.state = .asking(request.url, redirects: 0)
    }

    /// The first thing to do.
    public func start() -> Action { .ask(self.request.url) }

    /// An unpaid request was answered. `body` is needed of a 402 alone.
    public mutating func answered(_ head: ResponseHead, body: [UInt8]) -> Action {
        guard case .asking(let url, let redirects) = self.state else {
            preconditionFailure("An answer came to a question that was not asked.")
        }
        if Redirection.isRedirect(head.status) { return self.redirected(head, from: url, redirects) }
        guard head.status == 402 else { return self.end(.deliver(notices: [])) }
        do throws(PurchaseFailure) {
            let offer = try ReceivedOffer(head, body: body)
            try self.checkTransport(url.origin)
            let selection = try OptionSelection(offer, policy: self.policy, directory: self.directory, signers: self.signers)
            self.state = .choosing(selection.candidates, url, offer, shortfall: nil)
            return self.credit(selection.candidates, url, offer) ?? .lookUpFunds(selection.candidates[0])
        } catch {
            return self.end(.fail(error))
        }
    }

    /// The server took no credit: the call is paid for.
    public func creditRefused() -> Action {
        guard case .choosing(let candidates, _, _, _) = self.state else {
            preconditionFailure("Credit was refused that was not spent.")
        }
        return .lookUpFunds(candidates[0])
    }

    /// The best candidate that the server's debt pays for; nil when there is none, or the server does not invite to sign in.
    private func credit(_ candidates: [Candidate], _ url: URLParts, _ offer: ReceivedOffer) -> Action? {
        guard !self.credits.isEmpty, let invitation = SignInInvitation(offer, from: url) else { return nil }
        let candidate = candidates.first { candidate in
            invitation.includes(candidate.option.network) && self.credits.contains { $0.buys(candidate, at: url.origin) }
        }
        return candidate.map { .spendCredit($0, invitation, url) }
    }

    /// The unpaid request failed.
    public mutating func failed(_ error: HTTPError) -> Action {
        self.end(.fail(PurchaseFailure(.network, "no answer: \(error.reason)")))
    }

    /// What the account of the candidate has; nil when nobody can tell.
    public mutating func funds(_ balance: UInt256?) -> Action {
        guard case .choosing(var candidates, let url, let offer, let shortfall) = self.state else {
            preconditionFailure("Funds were looked up for no candidate.")
        }
        let candidate = candidates.removeFirst()
        guard let balance, let missing = candidate.option.amount.subtracting(balance), missing != .zero else {
            return self.end(self.policy.isDryRun ? .preview(candidate, url) : .pay(candidate, url, offer))
        }
        let first = shortfall ?? Self.shortfall(candidate, balance: balance, missing: missing)
        guard let next = candidates.first else { return self.end(.fail(PurchaseFailure(.insufficientFunds, first))) }
        self.state = .choosing(candidates, url, offer, shortfall: first)
        return .lookUpFunds(next)
    }

    private mutating func end(_ action: Action) -> Action {
        self.state = .ended
        return action
    }

    /// A redirect within the origin is followed before payment; one that leaves it would let whoever can redirect choose the
    /// payee.
    private mutating func redirected(_ head: ResponseHead, from url: URLParts, _ redirects: Int) -> Action {
        guard self.request.method == .get || self.request.method == .head else {
            return self.end(.deliver(notices: ["the redirect was not followed: the method is \(self.request.method)"]))
        }
        guard let location = head.fields.firstText(.location), let target = Redirection.resolve(location, at: url) else {
            return self.end(.deliver(notices: ["the redirect names no place to go"]))
        }
        guard target.origin == url.origin else {
            return self.end(
                .fail(
                    PurchaseFailure(
                        .redirectedElsewhere,
                        "\(url.origin) points to another origin, \(target.origin); to get it from there, ask for \(target)"
                    )
                )
            )
        }
        guard redirects < Self.redirectsMax else {
            return self.end(.fail(PurchaseFailure(.network, "more than \(Self.redirectsMax) redirects in a row")))
        }
        self.state = .asking(target, redirects: redirects + 1)
        return .ask(target)
    }

    private func checkTransport(_ origin: Origin) throws(PurchaseFailure) {
        guard origin.scheme == .http, !origin.isLoopback, !self.policy.allowsPlainHTTP else { return }
        throw PurchaseFailure(
            .insecureTransport,
            "\(origin) has no TLS: anyone on the way could have asked for this payment; --allow-http pays all the same"
        )
    }

    private static func shortfall(_ candidate: Candidate, balance: UInt256, missing: UInt256) -> String {
        let asset = candidate.option.asset
        func display(_ units: UInt256) -> String { "\(DecimalAmount(units: units, decimals: asset.decimals)) \(asset.symbol)" }
        return "\(candidate.signer.account) has \(display(balance)) on \(asset.network), \(display(missing)) short of "
            + candidate.option.display
    }
}
