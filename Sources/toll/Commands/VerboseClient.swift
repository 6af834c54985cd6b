// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollRuntime

/// Tells every request and answer on standard error; the names of fields only, since values may be credentials.
struct VerboseClient: HTTPClient {
    private let client: any HTTPClient

    init(_ client: any HTTPClient) {
        self.client = client
    }

    func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        let target = String(decoding: request.target, as: UTF8.self)
        self.tell("> \(request.method) \(request.origin)\(target) \(request.fields)")
        do throws(HTTPError) {
            let response = try await self.client.send(request)
            self.tell("< \(response.head.status) \(response.head.reason) \(response.head.fields)")
            return response
        } catch {
            self.tell("! \(error)")
            throw error
        }
    }

    private func tell(_ line: String) {
        StandardStreams.writeError(EscapedText.singleLine(line) + "\n")
    }
}
