// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollTestKit

/// Routes that open for a while, and what is done with their passes.
enum PassBench {
    static func keys(_ numbers: UInt8...) throws -> PassKeys {
        try #require(PassKeys(numbers.map { Secret([UInt8](repeating: $0, count: 32)) }))
    }

    /// `/paid/*` after, `/first/*` before, both for a minute; `/brief/*` for one answer.
    static func routes(_ seconds: Int64? = 60) throws -> [Route] {
        var routes = try [
            Bench.route("/paid/*"), Bench.route("/first/*", .before), Bench.route("/brief/*"), Bench.route("/free/**", nil),
        ]
        for index in 0..<2 { routes[index].terms?.accessSeconds = seconds }
        return routes
    }

    static func bearer(_ token: String) -> Fields {
        var fields: Fields = [:]
        fields.append("Authorization", "Bearer \(token)")
        return fields
    }

    static let browser: Fields = ["Accept": "text/html,*/*", "User-Agent": "Mozilla/5.0"]
}

extension Bench {
    /// A bench whose routes open for a while.
    static func opening(
        store: any PaymentStore = MemoryPaymentStore(), routes: [Route]? = nil, keys: PassKeys? = nil,
        rateLimits: RateLimits = RateLimits(), cors: CORSPolicy = .any, discovery: Discovery? = nil,
        upstream: @escaping @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse = { _ in
            .text(#"{"ok":true}"#)
        }
    ) throws -> Bench {
        try Bench(
            store: store, cors: cors, routes: try routes ?? PassBench.routes(), discovery: discovery, rateLimits: rateLimits,
            passKeys: try keys ?? PassBench.keys(1), upstream: upstream)
    }

    /// Pays, and gives the pass.
    func buyPass(_ target: String = "/paid/1", nonce: Int = 1) async throws -> String {
        let answer = try await self.pay(.get, target, try await self.credential(target, .init(nonce: nonce)))
        #expect(answer.status == 200)
        return try #require(answer["tollgate-pass"])
    }

    /// The same keys and clock, in front of a ledger and a chain that are gone.
    func withoutLedgerAndChain() throws -> Bench {
        self.chain.weather = .down
        return try Bench(
            store: BrokenPaymentStore("gone"), chain: self.chain, time: self.time, routes: self.configuration.routes,
            passKeys: self.configuration.passKeys)
    }
}
