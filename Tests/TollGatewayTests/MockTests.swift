// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import TollGateway

/// The gateway of `tollgate mock`: the same answers, no chain.
@Suite struct MockTests {
    /// A bench whose gateway has no chain to ask.
    static func bench() throws -> Bench {
        let store = MemoryPaymentStore()
        return try Bench(store: store, mode: .test, methods: [MockExactEVM(store: store, clock: { UInt64(Bench.now) })])
    }

    @Test(arguments: ["/paid/1", "/first/1", "/nowhere", "/free/1"])
    func `every answer says that it is a test`(target: String) async throws {
        let bench = try Self.bench()
        #expect(try await bench.ask(.get, target)["tollgate-mode"] == "test")
        let page = try await bench.ask(.get, target, ["Accept": "text/html", "User-Agent": "Mozilla/5.0"])
        #expect(page["tollgate-mode"] == "test")
        #expect(try await Bench().ask(.get, target)["tollgate-mode"] == nil)
    }

    @Test func `a signed payment is served, kept and refused like a real one`() async throws {
        let bench = try Self.bench()
        let credential = try await bench.credential()
        let first = try await bench.pay(credential)
        #expect(first.status == 200 && first.receipt["success"] == true && first["tollgate-mode"] == "test")
        #expect(first.receipt["transaction"]?.string?.count == 66)
        let again = try await bench.pay(credential)
        #expect(again.status == 200 && again.body == first.body && again.receipt == first.receipt)
        let stolen = try await bench.pay(credential.changing("accepted.extra.challenge", to: nil))
        #expect(stolen.status == 409)
        #expect(bench.upstream.sent.count == 1 && bench.chain.transactionCount == 0)
    }

    @Test func `a wrong signature, amount, payee or time is refused for the reason it always is`() async throws {
        let bench = try Self.bench()
        for (authorization, reason) in [
            (Bench.Authorization(value: 999), "invalid_exact_evm_payload_authorization_value_mismatch"),
            (
                Bench.Authorization(to: "0x857b06519E91e3A54538791bDbb0E22373e36b66"),
                "invalid_exact_evm_payload_recipient_mismatch"
            ),
            (Bench.Authorization(validBefore: 10), "invalid_exact_evm_payload_authorization_valid_before"),
            (Bench.Authorization(chainID: 1), "invalid_exact_evm_payload_signature"),
        ] {
            let live = try await Bench().pay(try await Bench().credential("/paid/1", authorization))
            let refused = try await bench.pay(try await bench.credential("/paid/1", authorization))
            #expect(refused.status == 402 && refused.code == live.code, "\(reason): \(refused.code ?? "")")
        }
        #expect(bench.upstream.sent.isEmpty)
    }
}
