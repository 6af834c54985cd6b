// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollRuntime

/// Who may not buy.
public struct DenyList: Sendable {
    private let payers: Set<String>

    /// Accounts as the chain's people write them, however they are spelt.
    public init(_ payers: some Sequence<String> = []) { self.payers = Set(payers.map { $0.lowercased() }) }

    /// How many there are.
    public var count: Int { self.payers.count }

    func holds(_ payer: String) -> Bool { !self.payers.isEmpty && self.payers.contains(payer.lowercased()) }
}

/// A service of the seller's that is asked about each payer before its payment is taken.
public struct ScreeningHook: Sendable {
    /// Where it is asked: `POST` with a JSON object that names the payer.
    public var url: URLParts
    /// The longest wait for its answer.
    public var timeout: Duration
    /// Whether nobody is served while it does not answer.
    public var failsClosed: Bool
    /// How long an answer holds.
    public var remembered: Duration

    /// A hook by all its fields.
    public init(url: URLParts, timeout: Duration = .seconds(2), failsClosed: Bool = true, remembered: Duration = .seconds(300)) {
        self.url = url
        self.timeout = timeout
        self.failsClosed = failsClosed
        self.remembered = remembered
    }
}

/// Decides whether somebody may buy.
final class Screening: Sendable {
    /// What was decided.
    enum Verdict: Hashable {
        case allowed
        /// 403. With the reason for the log.
        case denied(String)
        /// 503: the hook does not answer, and nobody is served without its word.
        case unavailable(String)
    }

    /// Payers remembered; when there are more all are asked for anew.
    private static let rememberedMax = 10_000
    /// A verdict is some bytes; more than this is none.
    private static let answerByteCountMax = 64 << 10

    private let denied: DenyList
    private let hook: ScreeningHook?
    private let client: any HTTPClient
    private let environment: Environment
    private let log: Logger
    private let remembered = Mutex<[String: (verdict: Verdict, until: Duration)]>([:])

    init(denied: DenyList, hook: ScreeningHook?, client: any HTTPClient, environment: Environment, log: Logger) {
        self.denied = denied
        self.hook = hook
        self.client = client
        self.environment = environment
        self.log = log
    }

    /// Whether there is a list at all.
    var hasList: Bool { self.denied.count > 0 }

    /// Whether `payer` is on the list. Asks nobody.
    func isDenied(_ payer: String) -> Bool { self.denied.holds(payer) }

    /// Whether the payer of `claim` may buy.
    func verdict(on claim: Claim) async -> Verdict {
        if self.isDenied(claim.payer) { return .denied("on the list") }
        guard let hook = self.hook else { return .allowed }
        let key = "\(claim.option.network) \(claim.key.payer)"
        let now = self.environment.monotonic()
        if let known = self.remembered.withLock({ $0[key] }), now < known.until { return known.verdict }
        let verdict: Verdict
        do throws(HTTPError) { verdict = try await self.ask(hook, about: claim) } catch {
            self.log.error("the screening hook does not answer", ["payer": claim.payer, "reason": error.description])
            return hook.failsClosed ? .unavailable("the screening hook: \(error)") : .allowed
        }
        self.remembered.withLock { remembered in
            if remembered.count >= Self.rememberedMax { remembered.removeAll(keepingCapacity: true) }
            remembered[key] = (verdict, now + hook.remembered)
        }
        return verdict
    }

    private func ask(_ hook: ScreeningHook, about claim: Claim) async throws(HTTPError) -> Verdict {
        let question: JSONObject = [
            "payer": .string(claim.payer), "network": .string(claim.option.network.description),
            "asset": .string(claim.option.asset.address), "amount": .string(claim.option.amount.description),
            "route": .string(claim.route),
        ]
        var request = ClientRequest(
            .post, hook.url, fields: ["Content-Type": "application/json"], body: .bytes(JSON.object(question).utf8))
        request.deadline = hook.timeout
        request.bodyIdle = hook.timeout
        let answer = try await self.client.send(request)
        guard answer.head.status == 200 else { throw HTTPError(.invalidMessage, "it answers \(answer.head.status)") }
        let body = try await answer.body.collect(upTo: Self.answerByteCountMax)
        guard let object = try? JSON(parsing: body), let isAllowed = object["allow"]?.bool else {
            throw HTTPError(.invalidMessage, "its answer has no `allow` that is true or false")
        }
        return isAllowed ? .allowed : .denied(object["reason"]?.string ?? "the screening hook")
    }
}
