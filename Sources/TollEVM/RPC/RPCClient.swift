// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollPrimitives

/// Calls nodes of one chain over JSON-RPC. Several endpoints stand in for each other; one that fails is left alone for a while.
public final class RPCClient: Sendable {
    /// Every limit, each with its reason.
    public struct Limits: Hashable, Sendable {
        /// How long one endpoint may take before the next is tried.
        public var attempt: Duration = .seconds(5)
        /// How long a call may take over all endpoints.
        public var total: Duration = .seconds(15)
        /// The longest answer that is read: the logs of ten thousand transfers take some megabytes.
        public var answerBytes: Int = 16 << 20
        /// The most requests in one batch: hosted nodes refuse more than 100, and some fewer.
        public var batch: Int = 50
        /// How long an endpoint is left alone after its first failure; each further one doubles it.
        public var backoffMin: Duration = .milliseconds(500)
        /// The longest an endpoint is left alone.
        public var backoffMax: Duration = .seconds(30)

        /// The defaults.
        public init() {}
    }

    private struct Endpoint {
        let url: String
        var failures = 0
        var restingUntil: Duration = .zero
        var takesBatches = true
    }

    private struct State {
        var endpoints: [Endpoint]
        var nextID: UInt64 = 1
    }

    private let transport: any RPCTransport
    private let limits: Limits
    private let now: @Sendable () -> Duration
    private let jitter: @Sendable () -> Int
    private let state: Mutex<State>

    /// A client of `endpoints` in order of preference.
    /// - Parameters:
    ///   - now: A clock that never goes back; its zero does not matter.
    ///   - jitter: By how much of a hundred an endpoint's rest is shortened, up to 50, so that many clients of it do not come
    ///     back at once.
    public init(
        endpoints: [String],
        transport: any RPCTransport,
        limits: Limits = Limits(),
        now: @escaping @Sendable () -> Duration,
        jitter: @escaping @Sendable () -> Int = { 0 }
    ) {
        self.transport = transport
        self.limits = limits
        self.now = now
        self.jitter = jitter
        self.state = Mutex(State(endpoints: endpoints.map { Endpoint(url: $0) }))
    }

    /// How an endpoint does.
    public struct Health: Hashable, Sendable {
        /// Its place in the order of preference, from 1. Its URL often holds a key, and is not told.
        public let position: Int
        /// How often it has failed since it last worked.
        public let failures: Int
        /// How long it is left alone yet; zero when it is asked.
        public let rest: Duration

        /// How an endpoint does.
        public init(position: Int, failures: Int, rest: Duration) {
            self.position = position
            self.failures = failures
            self.rest = rest
        }
    }

    /// How every endpoint does, the preferred first.
    public var health: [Health] {
        let now = self.now()
        return self.state.withLock { state in
            state.endpoints.indices.map { index in
                let endpoint = state.endpoints[index]
                return Health(
                    position: index + 1, failures: endpoint.failures, rest: max(.zero, endpoint.restingUntil - now))
            }
        }
    }

    /// Calls one method. Another endpoint is asked when one is unavailable; what the chain or a node says is final.
    public func call(_ request: RPCRequest) async throws(RPCError) -> JSON {
        try await self.ask([request])[0].get()
    }

    /// Calls several methods in one HTTP request where the endpoint takes batches, and one by one where it does not.
    ///
    /// - Parameter ofOneNode: What one endpoint answers only in part is asked of the next as a whole, so that all answers are one
    ///   node's: of two, one may be behind. For what fits in one batch.
    /// - Returns: One result per request, in order.
    public func batch(_ requests: [RPCRequest], ofOneNode: Bool = false) async -> [Result<JSON, RPCError>] {
        var results: [Result<JSON, RPCError>] = []
        var rest = requests[...]
        while !rest.isEmpty {
            results += await self.ask(Array(rest.prefix(self.limits.batch)), ofOneNode: ofOneNode)
            rest = rest.dropFirst(self.limits.batch)
        }
        return results
    }

    /// Hands a signed transaction to a node, and to the next one when that is unavailable: the same bytes twice are one
    /// transaction. A node that already knows it has accepted it.
    ///
    /// Once an endpoint may have taken it, no other's objection is final ("nonce too low" may be about this very transaction),
    /// so it is reported as unavailable and perhaps delivered: ask the chain for the hash.
    /// - Returns: The transaction's hash.
    public func sendRawTransaction(_ raw: [UInt8]) async throws(RPCError) -> Bytes32 {
        let hash = Keccak256.hash(raw)
        let request = RPCRequest("eth_sendRawTransaction", [.string(Hex.encodePrefixed(raw))])
        var mayHaveBeenDelivered = false
        var reason = "there is no endpoint"
        let deadline = self.now() + self.limits.total
        for endpoint in self.endpointsToTry() where self.now() < deadline && !Task.isCancelled {
            do throws(RPCError) {
                let result = try await self.ask(endpoint, [request], deadline: deadline)[0].get()
                if result.string.flatMap({ Bytes32(hex: $0) }) == hash { return hash }
                reason = "the node answered with another hash"
                mayHaveBeenDelivered = true
            } catch {
                switch error {
                case .rejected(_, _, .alreadyKnown): return hash
                case .unavailable(let why, let delivered):
                    reason = why
                    mayHaveBeenDelivered = mayHaveBeenDelivered || delivered
                case .rejected, .revert:
                    guard mayHaveBeenDelivered else { throw error }
                    throw .unavailable(reason: "\(reason); then \(error)", mayHaveBeenDelivered: true)
                }
            }
        }
        throw .unavailable(reason: reason, mayHaveBeenDelivered: mayHaveBeenDelivered)
    }

    /// Asks one endpoint after the other for what has no answer yet.
    private func ask(_ requests: [RPCRequest], ofOneNode: Bool = false) async -> [Result<JSON, RPCError>] {
        let none = RPCError.unavailable(reason: "there is no endpoint", mayHaveBeenDelivered: false)
        var results = [Result<JSON, RPCError>](repeating: .failure(none), count: requests.count)
        var open = Array(requests.indices)
        let deadline = self.now() + self.limits.total
        for endpoint in self.endpointsToTry() where !open.isEmpty && self.now() < deadline && !Task.isCancelled {
            let asked = ofOneNode ? Array(requests.indices) : open
            let answers = await self.ask(endpoint, asked.map { requests[$0] }, deadline: deadline)
            for (index, answer) in zip(asked, answers) { results[index] = Self.combine(results[index], answer) }
            open = asked.filter { results[$0].isUnavailable }
        }
        return results
    }

    /// A later answer stands for an earlier one, but what may once have been delivered stays so.
    private static func combine(_ earlier: Result<JSON, RPCError>, _ later: Result<JSON, RPCError>) -> Result<JSON, RPCError> {
        guard case .failure(.unavailable(_, mayHaveBeenDelivered: true)) = earlier,
            case .failure(.unavailable(let reason, _)) = later
        else { return later }
        return .failure(.unavailable(reason: reason, mayHaveBeenDelivered: true))
    }

    /// Asks one endpoint, in a batch if there is more than one request and it takes them.
    private func ask(_ endpoint: Int, _ requests: [RPCRequest], deadline: Duration) async -> [Result<JSON, RPCError>] {
        let (url, takesBatches) = self.state.withLock { ($0.endpoints[endpoint].url, $0.endpoints[endpoint].takesBatches) }
        var results: [Result<JSON, RPCError>] = []
        var refused = false
        if requests.count > 1 && takesBatches {
            switch await self.askBatch(url, requests, deadline: deadline) {
            case .results(let answers): results = answers
            case .garbage(let reason): results = requests.map { _ in .failure(.uninformative(reason)) }
            case .refused: refused = true
            }
        }
        while results.count < requests.count {
            let result = await self.askOne(url, requests[results.count], deadline: deadline)
            results.append(result)
            // What failed for one would fail for the rest, each after a wait.
            if result.isUnavailable { results += requests[results.count...].map { _ in result } }
        }
        let failed = results.contains { $0.isUnavailable }
        // Cancelled calls fail too, which is no fault of the endpoint.
        if !Task.isCancelled { self.note(endpoint, failed: failed, refusesBatches: refused && !failed) }
        return results
    }

    private func askOne(_ url: String, _ request: RPCRequest, deadline: Duration) async -> Result<JSON, RPCError> {
        let id = self.takeIDs(1)
        do throws(RPCError) {
            let (status, body) = try await self.post(url, JSONRPC.body(request, id: id), deadline: deadline)
            return JSONRPC.result(status: status, body: body, id: id)
        } catch {
            return .failure(error)
        }
    }

    private func askBatch(_ url: String, _ requests: [RPCRequest], deadline: Duration) async -> JSONRPC.BatchReply {
        let firstID = self.takeIDs(requests.count)
        do throws(RPCError) {
            let (status, body) = try await self.post(url, JSONRPC.body(requests, firstID: firstID), deadline: deadline)
            return JSONRPC.results(status: status, body: body, firstID: firstID, count: requests.count)
        } catch {
            return .results(requests.map { _ in .failure(error) })
        }
    }

    private func post(_ url: String, _ body: [UInt8], deadline: Duration) async throws(RPCError) -> (status: Int, body: [UInt8]) {
        let left = deadline - self.now()
        guard left > .zero else { throw .unavailable(reason: "time was up before it was sent", mayHaveBeenDelivered: false) }
        do throws(RPCTransportError) {
            let answer = try await self.transport.post(url: url, body: body, deadline: min(left, self.limits.attempt))
            guard answer.body.count <= self.limits.answerBytes else { throw .noAnswer(reason: "the answer is too long") }
            return answer
        } catch {
            switch error {
            case .notSent(let reason): throw .unavailable(reason: reason, mayHaveBeenDelivered: false)
            case .noAnswer(let reason): throw .unavailable(reason: reason, mayHaveBeenDelivered: true)
            }
        }
    }

    private func takeIDs(_ count: Int) -> UInt64 {
        self.state.withLock { state in
            defer { state.nextID += UInt64(count) }
            return state.nextID
        }
    }

    /// Those at work in order of preference. Of one that has failed, only the first call after its rest finds out whether it
    /// works again, while the others ask elsewhere. When all are at rest, the one whose rest ends first, since no answer is
    /// certain failure.
    private func endpointsToTry() -> [Int] {
        let now = self.now()
        return self.state.withLock { state in
            let awake = state.endpoints.indices.filter { state.endpoints[$0].restingUntil <= now }
            guard awake.isEmpty else {
                if awake.count > 1, state.endpoints[awake[0]].failures > 0 {
                    state.endpoints[awake[0]].restingUntil = now + self.limits.attempt
                }
                return awake
            }
            let first = state.endpoints.indices.min { state.endpoints[$0].restingUntil < state.endpoints[$1].restingUntil }
            return first.map { [$0] } ?? []
        }
    }

    private func jittered(_ rest: Duration) -> Duration { rest - rest * min(max(self.jitter(), 0), 50) / 100 }

    private func note(_ endpoint: Int, failed: Bool, refusesBatches: Bool) {
        let now = self.now()
        self.state.withLock { state in
            if refusesBatches { state.endpoints[endpoint].takesBatches = false }
            guard failed else {
                state.endpoints[endpoint].failures = 0
                state.endpoints[endpoint].restingUntil = .zero
                return
            }
            let rest = self.limits.backoffMin * (1 << min(state.endpoints[endpoint].failures, 16))
            state.endpoints[endpoint].failures += 1
            state.endpoints[endpoint].restingUntil = now + self.jittered(min(rest, self.limits.backoffMax))
        }
    }
}

extension Result<JSON, RPCError> {
    fileprivate var isUnavailable: Bool { if case .failure(let error) = self { error.isUnavailable } else { false } }
}
