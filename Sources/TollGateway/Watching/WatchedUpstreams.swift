// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollRuntime

/// Calls upstreams, and counts it.
struct WatchedUpstreams: HTTPClient {
    private let client: any HTTPClient
    private let names: [Origin: String]
    private let metrics: GatewayMetrics
    private let environment: Environment

    init(_ client: any HTTPClient, _ configuration: GatewayConfiguration, _ metrics: GatewayMetrics, _ environment: Environment) {
        self.client = client
        self.names = Dictionary(configuration.routes.map { ($0.upstream.origin, $0.upstream.name) }) { first, _ in first }
        self.metrics = metrics
        self.environment = environment
    }

    func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        let start = self.environment.monotonic()
        do throws(HTTPError) {
            let answer = try await self.client.send(request)
            self.note(request, "\(answer.head.status / 100)xx", since: start)
            return answer
        } catch {
            self.note(request, error.code == .timedOut ? "timeout" : "failure", since: start)
            throw error
        }
    }

    private func note(_ request: ClientRequest, _ result: String, since start: Duration) {
        let took = self.environment.monotonic() - start
        self.metrics.called(self.names[request.origin] ?? "other", result: result, took: took)
        RequestContext.current?.note(upstreamTook: took)
    }
}
