// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollFacilitator
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// What an operator reads.
@Suite struct LogTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private func lines(_ requests: [(path: String, body: String)], tokens: [Secret<String>] = []) async -> [String] {
        let lines = Lines()
        let store = MemoryPaymentStore()
        var configuration = Stand.configuration
        configuration.tokens = tokens
        let facilitator = Facilitator(
            configuration,
            methods: [FakeChain(store)],
            store: store,
            environment: ManualTime(start: .seconds(1_740_672_100)).environment,
            log: Logger(clock: { .zero }, write: { line in lines.all.withLock { $0.append(line) } })
        )
        for (path, body) in requests {
            _ = await facilitator.answer(.post(path, body, ["Authorization": "Bearer hunter2"]))
        }
        return lines.all.withLock { $0 }
    }

    @Test func `a refusal is logged with its reason, its detail and the payer`() async throws {
        let body = try Bodies.changing("paymentRequirements.amount", to: "10001")
        for call in ["verify", "settle"] {
            let line = try #require(await self.lines([("/\(call)", body)]).first)
            #expect(line.contains("payment refused call=\(call)"))
            #expect(line.contains("reason=invalid_exact_evm_payload_authorization_value_mismatch"))
            #expect(line.contains("detail=\"value 10000, required 10001\" payer=\(Bodies.payer)"))
        }
    }

    @Test func `a settlement is logged with its payer and its transaction, and so is its repeat`() async {
        let lines = await self.lines([("/settle", Bodies.v2), ("/settle", Bodies.v2)])
        #expect(lines.count == 2)
        #expect(lines.first?.contains(" settled ") == true && lines.last?.contains(" settled before ") == true)
        #expect(lines.allSatisfy { $0.contains("payer=\(Bodies.payer) transaction=\(FakeChain.transaction)") })
    }

    @Test func `a body that cannot be read is logged by its member`() async throws {
        let lines = await self.lines([("/verify", try Bodies.changing("paymentRequirements.payTo", to: nil))])
        #expect(lines.first?.contains("paymentRequirements.payTo is missing") == true)
    }

    @Test func `no line holds a token`() async throws {
        let bad = try Bodies.changing("x402Version", to: 3)
        let calls = [("/verify", Bodies.v2), ("/settle", Bodies.v2), ("/settle", bad)]
        let refused = await self.lines(calls, tokens: [Secret("correct horse")])
        let served = await self.lines(calls, tokens: [Secret("hunter2")])
        #expect(served.count > 1)
        #expect((refused + served).allSatisfy { !$0.contains("hunter2") && !$0.contains("horse") })
    }
}
