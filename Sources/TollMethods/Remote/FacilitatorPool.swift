// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// The facilitators, which of them work, and what they take.
final class FacilitatorPool: Sendable {
    /// Why a facilitator is not asked about a payment.
    struct Unfit: Error, Hashable {
        let reason: String
    }

    /// After a failure a facilitator is left alone for a second, and twice as long after each further one.
    static let firstRest = Duration.seconds(1)
    /// The longest rest: an outage of minutes is noticed to be over within one.
    static let longestRest = Duration.seconds(60)
    /// How long what `/supported` said is taken for true.
    static let supportedAge = Duration.seconds(600)
    /// How long `/supported` may take, in seconds.
    private static let supportedSeconds = 5

    private struct State {
        var rest: Duration?
        var restsUntil: Duration?
        var supported: SupportedResponse?
        var supportedUntil: Duration?
    }

    private let endpoints: [FacilitatorEndpoint]
    private let exchange: FacilitatorExchange
    private let environment: Environment
    private let log: Logger
    private let jitter: @Sendable () -> Int
    private let states = Mutex<[URLParts: State]>([:])

    init(
        _ endpoints: [FacilitatorEndpoint], exchange: FacilitatorExchange, environment: Environment, log: Logger,
        jitter: @escaping @Sendable () -> Int = { 0 }
    ) {
        self.jitter = jitter
        self.endpoints = endpoints
        self.exchange = exchange
        self.environment = environment
        self.log = log
    }

    /// Those that may be asked now, in the order of preference.
    var awake: [FacilitatorEndpoint] {
        let now = self.environment.monotonic()
        return self.states.withLock { states in
            self.endpoints.filter { endpoint in states[endpoint.url]?.restsUntil.map { now >= $0 } ?? true }
        }
    }

    /// The facilitator of this URL, unless the configuration no longer has it.
    func endpoint(_ url: String) -> FacilitatorEndpoint? {
        self.endpoints.first { $0.url.description == url }
    }

    /// Remembers how `endpoint` did.
    func note(_ health: FacilitatorExchange.Health, of endpoint: FacilitatorEndpoint) {
        let now = self.environment.monotonic()
        let rest = self.states.withLock { states -> Duration? in
            switch health {
            case .working:
                states[endpoint.url]?.rest = nil
                states[endpoint.url]?.restsUntil = nil
                return nil
            case .doubtful: return nil
            case .failing:
                var state = states[endpoint.url] ?? State()
                let rest = state.rest.map { min($0 * 2, Self.longestRest) } ?? Self.firstRest
                state.rest = rest
                state.restsUntil = now + rest - rest * min(self.jitter(), 50) / 100
                states[endpoint.url] = state
                return rest
            }
        }
        if let rest { self.log.warning("facilitator failed and is left alone", ["facilitator": endpoint.url, "for": rest]) }
    }

    /// What `endpoint` wants in `extra` of `option`'s requirements.
    func requiredExtra(of endpoint: FacilitatorEndpoint, for option: PaymentOption) async throws(Unfit) -> JSONObject {
        let supported = try await self.supported(endpoint)
        let kind = supported.kinds.first { kind in
            kind.x402Version == X402Version.v2.rawValue && kind.scheme == option.scheme
                && (kind.network == option.network.description || kind.network == "\(option.network.namespace):*")
        }
        guard let kind else { throw Unfit(reason: "does not take \(option.scheme) on \(option.network)") }
        return kind.extra ?? [:]
    }

    private func supported(_ endpoint: FacilitatorEndpoint) async throws(Unfit) -> SupportedResponse {
        let now = self.environment.monotonic()
        let known = self.states.withLock { states -> SupportedResponse? in
            guard let state = states[endpoint.url], let until = state.supportedUntil, now < until else { return nil }
            return state.supported
        }
        if let known { return known }
        let answer = await self.exchange.supported(endpoint, within: .seconds(Self.supportedSeconds))
        self.note(answer.health, of: endpoint)
        guard let response = answer.response else { throw Unfit(reason: answer.reason) }
        self.states.withLock { states in
            states[endpoint.url, default: State()].supported = response
            states[endpoint.url, default: State()].supportedUntil = now + Self.supportedAge
        }
        return response
    }
}
