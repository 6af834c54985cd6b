// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollRuntime

/// Calls upstreams, and counts it.
struct WatchedUpstreams: HTTPClient {
    private let client: any HTTPClient
    private let upstreams: [Origin: UpstreamMetrics]
    private let environment: Environment

    init(_ client: any HTTPClient, _ configuration: GatewayConfiguration, _ metrics: GatewayMetrics, _ environment: Environment) {
        self.client = client
        let named = configuration.routes.map(\.upstream).flatMap { upstream in
            upstream.addresses.map { ($0.origin, metrics.upstream(upstream.name)) }
        }
        self.upstreams = Dictionary(named) { first, _ in first }
        self.environment = environment
    }

    func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        let start = self.environment.monotonic()
        do throws(HTTPError) {
            let answer = try await self.client.send(request)
            self.note(request, .status(answer.head.status), since: start)
            return answer
        } catch {
            self.note(request, error.code == .timedOut ? .timeout : .failure, since: start)
            throw error
        }
    }

    private func note(_ request: ClientRequest, _ result: UpstreamMetrics.Result, since start: Duration) {
        let took = self.environment.monotonic() - start
        self.upstreams[request.origin]?.called(result, took: took)
        RequestContext.current?.note(upstreamTook: took)
    }
}
