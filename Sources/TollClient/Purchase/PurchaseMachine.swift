// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
public import TollPrimitives
internal import TollProtocol

/// Decides the course of one purchase: whether to pay, what, to whom, and what the answers mean. No I/O, no clock, no keys.
///
/// Whatever the server does, one purchase sends at most one payment, and never one over the policy. A transfer of the payer's own
/// comes last: it costs gas, and nobody gives it back.
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
        /// See whom the origin lists as signers; then ``PurchaseMachine/listed(_:)``.
        case fetchSigners(Origin)
        /// Ask the chain what a transfer would take; then ``PurchaseMachine/prospect(_:)``.
        case lookUpTransfer(TransferCandidate)
        /// Reserve, sign, record, send; the rest is a ``TransferMachine``'s.
        case transfer(TransferCandidate, TransferQuote, URLParts)
        /// As ``preview(_:_:)``, of a transfer.
        case previewTransfer(TransferCandidate, URLParts)
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
        case checkingSigner(TransferCandidate, URLParts, signer: String, else: PurchaseFailure)
        case preparingTransfer(TransferCandidate, URLParts)
        case ended
    }

    /// More in a row are taken for a loop.
    public static let redirectsMax = 5

    private let request: PurchaseRequest
    private let policy: PurchasePolicy
    private let directory: NetworkDirectory
    private let signers: [any PaymentSigner]
    private let senders: [any TransferSender]
    private let reader: any InstructionsReader
    private let credits: [Credit]
    private var state: State
    /// What a transfer is asked for by; why there is none to make, when there are instructions and they cannot be followed.
    private var transfer: Result<TransferCandidate, OptionRefusal>?

    /// A purchase of `request` under `policy`. What servers owe by `credits` is spent before anything is paid.
    ///
    /// - Parameters:
    ///   - senders: Who can make transfers.
    ///   - reader: Says who has signed a transfer's instructions.
    public init(
        _ request: PurchaseRequest, policy: PurchasePolicy, directory: NetworkDirectory, signers: [any PaymentSigner],
        senders: [any TransferSender] = [], reader: any InstructionsReader = NoInstructionsReader(), credits: [Credit] = []
    ) {
        self.request = request
        self.policy = policy
        self.directory = directory
        self.signers = signers
        self.senders = senders
        self.reader = reader
        self.credits = credits
        self.state = .asking(request.url, redirects: 0)
    }

    /// The first thing to do.
    public func start() -> Action { .ask(self.request.url) }

    /// An unpaid request was answered, at `time` in seconds since 1970. `body` is needed of a 402 alone.
    public mutating func answered(_ head: ResponseHead, body: [UInt8], at time: UInt64) -> Action {
        guard case .asking(let url, let redirects) = self.state else {
            preconditionFailure("An answer came to a question that was not asked.")
        }
        if Redirection.isRedirect(head.status) { return self.redirected(head, from: url, redirects) }
        guard head.status == 402 else { return self.end(.deliver(notices: [])) }
        do throws(PurchaseFailure) {
            try self.checkTransport(url.origin)
            _ = try ReceivedOffer.version2(head)
        } catch {
            return self.end(.fail(error))
        }
        self.transfer = self.transfer(in: head, body, url, at: time)
        do throws(PurchaseFailure) {
            let offer = try ReceivedOffer(head, body: body)
            let selection = try OptionSelection(offer, policy: self.policy, directory: self.directory, signers: self.signers)
            self.state = .choosing(selection.candidates, url, offer, shortfall: nil)
            return self.credit(selection.candidates, url, offer) ?? .lookUpFunds(selection.candidates[0])
        } catch {
            return self.considerTransfer(url, else: error)
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
        guard let next = candidates.first else {
            return self.considerTransfer(url, else: PurchaseFailure(.insufficientFunds, first))
        }
        self.state = .choosing(candidates, url, offer, shortfall: first)
        return .lookUpFunds(next)
    }

    // MARK: Transfers

    private func transfer(
        in head: ResponseHead, _ body: [UInt8], _ url: URLParts, at time: UInt64
    ) -> Result<TransferCandidate, OptionRefusal>? {
        do throws(OptionRefusal) {
            let found: TransferOffer?
            do throws(PurchaseFailure) { found = try TransferOffer(head, body: body, from: url) } catch {
                throw OptionRefusal(reason: error.message)
            }
            guard let offer = found else { return nil }
            let review = TransferReview(offer, from: url, at: time, self.directory)
            return .success(try TransferCandidate(review, policy: self.policy, senders: self.senders))
        } catch {
            return .failure(error)
        }
    }

    /// Nothing better can be paid, and `failure` says why.
    private mutating func considerTransfer(_ url: URLParts, else failure: PurchaseFailure) -> Action {
        switch self.transfer {
        case nil: return self.end(.fail(failure))
        case .failure(let refusal): return self.refuse(refusal, else: failure)
        case .success(let candidate):
            switch InstructionsTrust(candidate.offer.instructions, self.reader) {
            case .needsList(let signer):
                self.state = .checkingSigner(candidate, url, signer: signer, else: failure)
                return .fetchSigners(url.origin)
            case let trust: return self.decide(trust, candidate, url, else: failure)
            }
        }
    }

    /// The origin's list of signers, or why there is none.
    public mutating func listed(_ signers: ListedSigners) -> Action {
        guard case .checkingSigner(let candidate, let url, let signer, let failure) = self.state else {
            preconditionFailure("A list of signers came that nobody asked for.")
        }
        return self.decide(.listed(signer, in: signers), candidate, url, else: failure)
    }

    private mutating func decide(
        _ trust: InstructionsTrust, _ candidate: TransferCandidate, _ url: URLParts, else failure: PurchaseFailure
    ) -> Action {
        switch trust {
        case .refused(let reason): return self.refuse(OptionRefusal(reason: reason), else: failure)
        case .doubtful(let reason) where !self.policy.allowsUnsignedInstructions, .needsList(let reason):
            return self.refuse(OptionRefusal(reason: "\(reason); --allow-unsigned pays all the same"), else: failure)
        case .vouched, .doubtful:
            self.state = .preparingTransfer(candidate, url)
            return .lookUpTransfer(candidate)
        }
    }

    private mutating func refuse(_ refusal: OptionRefusal, else failure: PurchaseFailure) -> Action {
        let code = refusal.isOverLimit ? .overLimit : failure.code
        return self.end(.fail(PurchaseFailure(code, "\(failure.message); no transfer is made either: \(refusal.reason)")))
    }

    /// What the chain says of the transfer.
    public mutating func prospect(_ prospect: TransferProspect) -> Action {
        guard case .preparingTransfer(let candidate, let url) = self.state else {
            preconditionFailure("A transfer was looked up for no candidate.")
        }
        let (option, account) = (candidate.option, candidate.sender.account)
        switch prospect {
        case .ready(let quote):
            return self.end(self.policy.isDryRun ? .previewTransfer(candidate, url) : .transfer(candidate, quote, url))
        case .lacksToken(let held):
            let missing = option.amount.subtracting(held) ?? .zero
            return self.end(.fail(Self.shortage(account, option.asset, held: held, missing: missing, of: option.display)))
        case .lacksGas(let held, let needed):
            func coins(_ wei: UInt256) -> String { "\(DecimalAmount(units: wei, decimals: 18)) of the chain's coin" }
            return self.end(
                .fail(
                    PurchaseFailure(
                        .insufficientFunds,
                        "\(account) has \(coins(held)) on \(option.network), \(coins(needed.subtracting(held) ?? .zero)) short of "
                            + "the \(coins(needed)) that the gas of a transfer may cost")))
        case .refused(let reason): return self.end(.fail(PurchaseFailure(.noAcceptableOffer, "no transfer is made: \(reason)")))
        case .unknown(let reason):
            return self.end(.fail(PurchaseFailure(.network, "no transfer is made without the chain: \(reason)")))
        }
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
        self.shortage(
            candidate.signer.account, candidate.option.asset, held: balance, missing: missing, of: candidate.option.display
        ).message
    }

    private static func shortage(
        _ account: String, _ asset: Asset, held: UInt256, missing: UInt256, of wanted: String
    ) -> PurchaseFailure {
        func display(_ units: UInt256) -> String { "\(DecimalAmount(units: units, decimals: asset.decimals)) \(asset.symbol)" }
        return PurchaseFailure(
            .insufficientFunds, "\(account) has \(display(held)) on \(asset.network), \(display(missing)) short of \(wanted)")
    }
}
