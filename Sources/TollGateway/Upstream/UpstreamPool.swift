// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollRuntime

/// An upstream with what is known of its addresses: sends to one that is fit, and to another where that does no harm.
final class UpstreamPool: Sendable {
    let settings: Upstream
    private let client: any HTTPClient
    private let metrics: UpstreamMetrics
    private let book: Mutex<AddressBook>
    private let environment: Environment
    private let log: Logger
    private let nextAsked = Mutex(Duration.zero)
    /// Whether no address speaks TLS.
    private let isPlain: Bool
    /// A request to each address, without anything that is asked for.
    private let blanks: [ClientRequest]

    init(_ settings: Upstream, client: any HTTPClient, metrics: UpstreamMetrics, environment: Environment, log: Logger) {
        self.settings = settings
        self.client = client
        self.metrics = metrics
        self.book = Mutex(AddressBook(settings.addresses, settings.breaker))
        self.environment = environment
        self.log = log
        self.isPlain = settings.addresses.allSatisfy { $0.origin.scheme == .http }
        self.blanks = settings.addresses.map { settings.request(.get, to: $0.origin, target: []) }
    }

    var name: String { self.settings.name }

    /// Whether a request would be sent at all.
    var isReachable: Bool { self.book.withLock { $0.isReachable(at: self.environment.monotonic()) } }

    /// Its addresses, and whether each is in use.
    var standing: [UpstreamStanding] {
        zip(self.settings.addresses, self.book.withLock { $0.areInUse }).map {
            UpstreamStanding(upstream: self.name, address: $0.origin, isInUse: $1)
        }
    }

    /// In how many seconds to come again when it is not, at least 1.
    var retryAfterSeconds: Int {
        let rest = self.book.withLock { $0.restsFor(at: self.environment.monotonic()) }
        return max(1, Int(rest.components.seconds) + (rest.components.attoseconds > 0 ? 1 : 0))
    }

    /// A call of one of its addresses that somebody else makes.
    struct Attempt {
        /// The place of the address.
        let place: Int
        /// By the monotonic clock.
        let start: Duration
    }

    /// What became of one.
    struct Failure {
        let attempt: Attempt
        let error: HTTPError
    }

    /// Chooses an address to call that is fit: whoever does tells what came of it. Nil when none is, or it speaks TLS.
    func attempt() -> Attempt? {
        let now = self.environment.monotonic()
        guard self.isPlain, let choice = self.book.withLock({ $0.choose(at: now) }) else { return nil }
        return Attempt(place: choice.place, start: now)
    }

    /// A request to the address, without anything that is asked for.
    func blank(for attempt: Attempt) -> ClientRequest { self.blanks[attempt.place] }

    /// An answer came of an attempt, after so long.
    @discardableResult
    func answered(_ status: Int, _ attempt: Attempt) -> Duration {
        self.note(attempt.place, failure: nil)
        return self.count(.status(status), since: attempt.start)
    }

    /// Nothing is made of an attempt.
    func release(_ attempt: Attempt) { self.book.withLock { $0.abandoned(attempt.place) } }

    /// The client gave an attempt up after so long: that tells nothing of the address.
    func abandoned(_ attempt: Attempt) -> Duration {
        self.release(attempt)
        return self.count(.failure, since: attempt.start)
    }

    /// Sends to an address that is fit. Where that one cannot be connected to, nothing has happened yet: the next has its turn.
    ///
    /// - Parameters:
    ///   - failure: Of an attempt that was made with this request.
    ///   - isSendersFault: Asked after a failure: whether the request's own body failed. That tells nothing of the upstream.
    /// - Throws: `unavailable`, before anything is sent, when no address is fit.
    func send(
        _ request: consuming ClientRequest, after failure: Failure? = nil, isSendersFault: () -> Bool = { false }
    ) async throws(HTTPError) -> ClientResponse {
        var tried: [Int] = []
        var last: HTTPError?
        if let failure {
            self.count(failure.error, since: failure.attempt.start)
            try self.goOn(after: failure.error, at: failure.attempt.place, isRepeatable: true, tellsNothing: isSendersFault())
            tried.append(failure.attempt.place)
            last = failure.error
        }
        var kept: ClientRequest? = request
        while let choice = self.book.withLock({ $0.choose(at: self.environment.monotonic(), except: tried) }) {
            let isRepeatable = kept.map { Self.isUntouched($0.body, choice.origin) } ?? false
            let isLast = tried.count + 1 >= self.settings.addresses.count
            do throws(HTTPError) {
                let response = try await self.call(Self.take(&kept, isLast: isLast), at: choice.origin)
                self.note(choice.place, failure: nil)
                return response
            } catch {
                try self.goOn(after: error, at: choice.place, isRepeatable: isRepeatable, tellsNothing: isSendersFault())
                tried.append(choice.place)
                last = error
            }
        }
        throw last ?? HTTPError(.unavailable, "every address of \(self.name) is out", isBeforeSend: true)
    }

    /// Notes how an address failed. Throws the failure unless another may be asked in its place.
    private func goOn(after error: HTTPError, at place: Int, isRepeatable: Bool, tellsNothing: Bool) throws(HTTPError) {
        if tellsNothing || !Self.isUpstreamsFault(error) {
            self.book.withLock { $0.abandoned(place) }
        } else {
            self.note(place, failure: error)
        }
        guard error.code == .connectFailed, error.isBeforeSend, isRepeatable else { throw error }
    }

    /// The last address that is left gets the request itself, any other a copy.
    private static func take(_ kept: inout ClientRequest?, isLast: Bool) -> ClientRequest {
        guard let request = isLast ? kept.take() : kept else { preconditionFailure("There is an address after the last one.") }
        return request
    }

    /// Calls one address, and counts it.
    private func call(_ request: consuming ClientRequest, at origin: Origin) async throws(HTTPError) -> ClientResponse {
        let start = self.environment.monotonic()
        request.origin = origin
        do throws(HTTPError) {
            let answer = try await self.client.send(consume request)
            self.count(.status(answer.head.status), since: start)
            return answer
        } catch {
            self.count(error, since: start)
            throw error
        }
    }

    private func count(_ error: HTTPError, since start: Duration) {
        self.count(error.code == .timedOut ? .timeout : .failure, since: start)
    }

    @discardableResult
    private func count(_ result: UpstreamMetrics.Result, since start: Duration) -> Duration {
        let took = self.environment.monotonic() - start
        self.metrics.called(result, took: took)
        RequestContext.current?.note(upstreamTook: took)
        return took
    }

    /// libcurl may have taken the first piece of a stream before it connects.
    private static func isUntouched(_ body: ClientBody, _ origin: Origin) -> Bool {
        if case .stream = body { origin.scheme == .http } else { true }
    }

    private static func isUpstreamsFault(_ error: HTTPError) -> Bool {
        switch error.code {
        case .connectFailed, .timedOut, .disconnected, .malformed, .tls: true
        default: false
        }
    }

    private func note(_ place: Int, failure: HTTPError?, asked interval: Duration? = nil) {
        if let failure {
            guard let rest = self.book.withLock({ $0.failed(place, at: self.environment.monotonic(), asked: interval) }) else {
                return
            }
            self.log.warning(
                "upstream rests",
                [
                    "upstream": self.name, "address": self.settings.addresses[place].origin, "for": rest,
                    "reason": failure.description,
                ])
        } else if self.book.withLock({ $0.succeeded(place) }) {
            let address = self.settings.addresses[place].origin
            self.log.info("upstream is back", ["upstream": self.name, "address": address])
        }
    }

    // MARK: - Asking whether it is well

    /// Asks every address whose time has come, those that rest as well.
    func askIfDue() async {
        guard let health = self.settings.health, self.isDue(health.interval) else { return }
        for (place, address) in self.settings.addresses.enumerated() {
            var request = ClientRequest(
                .get, address.origin, target: Array(health.target.utf8), fields: ["User-Agent": "tollgate health"],
                deadline: min(self.settings.timeout, health.interval))
            request.security = self.settings.security
            request.connectTime = self.settings.connectTimeout
            do throws(HTTPError) {
                let response = try await self.call(request, at: address.origin)
                guard response.head.status < 400 else { throw HTTPError(.malformed, "it answers \(response.head.status)") }
                self.note(place, failure: nil)
            } catch {
                self.note(place, failure: error, asked: health.interval)
            }
        }
    }

    private func isDue(_ interval: Duration) -> Bool {
        let now = self.environment.monotonic()
        return self.nextAsked.withLock { next in
            guard next <= now else { return false }
            next = now + interval
            return true
        }
    }
}
