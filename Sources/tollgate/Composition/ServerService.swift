// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollHTTPEngine
import TollRuntime

/// A listening server as a service: answers until the group stops, then lets active requests finish.
struct ServerService: Service {
    /// The longest answer that may be under way waits for its settlement.
    private static let drainTime: Duration = .seconds(40)

    let name: String
    let server: HTTPServer
    /// What its handler still has to do when the last client is answered.
    var afterDrain: @Sendable () async -> Void = {}

    func run() async throws {
        try await gracefulShutdown()
        await self.server.drain(within: Self.drainTime)
        await self.afterDrain()
    }
}
