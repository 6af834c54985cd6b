// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollEVM
public import TollHTTP

/// JSON-RPC over the HTTP client.
public struct RPCOverHTTP: RPCTransport {
    /// The largest answer read: logs of a thousand blocks stay well below.
    private static let answerByteCountMax = 16 << 20

    private let client: any HTTPClient

    /// Posts through `client`.
    public init(_ client: any HTTPClient) {
        self.client = client
    }

    public func post(url: String, body: [UInt8], deadline: Duration) async throws(RPCTransportError) -> (
        status: Int, body: [UInt8]
    ) {
        let parts: URLParts
        do throws(URLError) { parts = try URLParts(parsing: url) } catch {
            throw .notSent(reason: "the endpoint is no URL")
        }
        var request = ClientRequest(
            .post, parts, fields: ["Content-Type": "application/json", "Accept": "application/json"], body: .bytes(body))
        request.deadline = deadline
        request.bodyIdle = deadline
        do throws(HTTPError) {
            let response = try await self.client.send(request)
            return (response.head.status, try await response.body.collect(upTo: Self.answerByteCountMax))
        } catch {
            throw error.isBeforeSend ? .notSent(reason: "\(error.code)") : .noAnswer(reason: "\(error.code)")
        }
    }
}
