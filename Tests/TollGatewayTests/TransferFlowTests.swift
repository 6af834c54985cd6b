// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

/// A gateway that is paid by transfers which clients send by themselves.
@Suite struct TransferFlowTests {
    private let bench: Bench
    private let chain: SimulatedEVMChain

    /// Routes: `/sent/*` for transfers alone, `/both/*` for x402 too, `/plain/*` for x402 alone, `/**` for transfers.
    init() throws {
        func route(_ pattern: String, _ dialects: [DialectID]) throws -> Route {
            var route = try Bench.route(pattern)
            route.terms?.dialects = dialects
            route.terms?.references = dialects.contains("transfer-proof") ? ReferenceTerms() : nil
            return route
        }
        let routes = [
            try route("/sent/*", ["transfer-proof"]), try route("/both/*", ["x402", "transfer-proof"]),
            try route("/plain/*", ["x402"]), try Bench.route("/free/*", nil), try route("/**", ["transfer-proof"]),
        ]
        let plain = try Bench(routes: routes) { sent in
            sent.url.hasSuffix("/fails") ? .text("no", status: 500) : .text("yes")
        }
        let environment = plain.time.environment
        let network = ExactEVMNetwork(
            chain: Bench.asset.network, client: plain.chain.client(), signers: nil, confirmations: .blocks(1))
        let store = try #require(plain.store as? MemoryPaymentStore)
        let rail = TransferProofRail(
            networks: [TransferProofNetwork(network, nodes: [plain.chain.client()], assets: [Bench.asset])],
            references: store, store: store, signer: Bench.signer, environment: environment, log: plain.log.logger)
        self.chain = plain.chain
        self.bench = plain.with(
            Gateway(
                plain.configuration, dialects: Bench.dialects + [rail.dialect], methods: [plain.exact, rail.method], store: store,
                lease: plain.lease, statuses: rail.statuses, client: plain.upstream, environment: environment,
                log: plain.log.logger))
    }

    private func ask(_ target: String = "/sent/1") async throws -> TransferProof.Instructions {
        let answer = try await self.bench.ask(.get, target, ["Accept": "application/payment-request"])
        #expect(answer.status == 402)
        return try TransferProof.Instructions(body: answer.body, as: .paymentRequest)
    }

    private func send(_ asked: TransferProof.Instructions, number: UInt64 = 0) async throws -> Bytes32 {
        let transaction = EIP1559Transaction(
            chainID: asked.chainID, nonce: number, maxPriorityFeePerGas: 1, maxFeePerGas: 1_000_000_000, gasLimit: 100_000,
            to: SimulatedEVMChain.token,
            data: ERC20.transfer(to: try #require(Address(hex: asked.recipient)), value: asked.amount))
        return try await self.chain.client().send(transaction.signed(by: Bench.payer).raw)
    }

    private func prove(
        _ asked: TransferProof.Instructions, _ sent: Bytes32, at target: String = "/sent/1"
    ) async throws -> RecordedResponse {
        let proof = TransferProof.Proof.signed(
            txHash: sent, chainID: asked.chainID, reference: asked.reference, key: Bench.payer)
        return try await self.bench.ask(.get, target, ["Payment-Proof": proof.fieldValue])
    }

    @Test func `a transfer buys one answer, which its proof brings again`() async throws {
        let asked = try await self.ask()
        let sent = try await self.send(asked)
        let answer = try await self.prove(asked, sent)
        #expect(answer.status == 200 && self.bench.upstream.sent.count == 1)
        let receipt = try #require(
            answer.head.fields.firstText("payment-response").map { try SettlementResponse(headerValue: $0) })
        #expect(receipt.success && receipt.transaction == sent.description)
        #expect(try await self.prove(asked, sent).body == answer.body)
        #expect(self.bench.upstream.sent.count == 1)
        let other = try await self.ask()
        #expect(try await self.prove(other, sent).status == 402)
        #expect(self.bench.upstream.sent.count == 1)
    }

    @Test func `the upstream gets no proof, and the payer's name`() async throws {
        let asked = try await self.ask()
        _ = try await self.prove(asked, try await self.send(asked))
        let fields = try #require(self.bench.upstream.sent.first?.fields)
        #expect(!fields.contains("payment-proof"))
        #expect(fields.firstText("tollgate-payer") == Bench.payer.address.description)
        #expect(fields.firstText("tollgate-amount") == asked.amount.description)
    }

    @Test func `a field that others give a name of ours to is theirs where no route takes it`() async throws {
        let plain = try Bench()
        _ = try await plain.ask(.get, "/free/1", ["Payment": "monthly", "Pay": "grade 7"])
        let fields = try #require(plain.upstream.sent.first?.fields)
        #expect(fields.firstText("payment") == "monthly" && fields.firstText("pay") == "grade 7")
        _ = try await self.bench.ask(.get, "/free/1", ["Payment": "monthly"])
        #expect(self.bench.upstream.sent.first?.fields.contains("payment") == false)
    }

    @Test(arguments: [
        ("application/x-www-form-urlencoded, */*;q=0.1", "application/x-www-form-urlencoded"),
        ("application/payment-request", "application/payment-request"),
        ("APPLICATION/payment-request ; q=0.9, application/json;q=0.8", "application/payment-request"),
        ("application/x-www-form-urlencoded;q=0.1, application/json", "application/json"),
        ("application/json, application/payment-request", "application/json"), ("*/*", "application/json"),
        ("application/payment-request;q=0", "application/json"), ("application/payment-request;q=x", "application/json"),
        ("text/plain", "application/json"), ("", "application/json"),
    ])
    func `the body comes as the client would rather have it, JSON where it does not say`(accept: String, type: String)
        async throws
    {
        let answer = try await self.bench.ask(.get, "/sent/1", ["Accept": accept])
        #expect(answer.status == 402 && answer.head.fields.firstText("content-type") == type)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("reference"))
    }

    @Test func `a failed call leaves a debt`() async throws {
        let asked = try await self.ask("/sent/fails")
        let answer = try await self.prove(asked, try await self.send(asked), at: "/sent/fails")
        #expect(answer.status == 502 && answer.head.fields.contains("tollgate-debt"))
    }

    @Test func `money on its way is waited for, and told of`() async throws {
        let asked = try await self.ask()
        self.chain.isMining = false
        let sent = try await self.send(asked)
        let answer = try await self.prove(asked, sent)
        let body = answer.json
        #expect(answer.status == 402 && body["state"] == "processing" && answer.head.fields.contains("retry-after"))
        #expect(try TransferProof.Instructions(extensions: body["extensions"]?.object)?.reference == asked.reference)
        self.chain.mine()
        #expect(try await self.prove(asked, sent).status == 200)
    }

    @Test func `how far a payment is, is told to who knows its reference`() async throws {
        let asked = try await self.ask()
        let answer = try await self.bench.ask(.get, "/payments/\(asked.reference.text)")
        #expect(answer.status == 200 && answer.json["state"] == "awaiting")
        _ = try await self.prove(asked, try await self.send(asked))
        let later = try await self.bench.ask(.get, "/payments/\(asked.reference.text)")
        #expect(later.json["state"] == "paid")
        // What is no reference of ours is whatever the routes make of it.
        #expect(try await self.bench.ask(.get, "/payments/\(String(repeating: "0", count: 32))").status == 402)
    }

    @Test func `a chain that does not answer asks for nothing that it could not see`() async throws {
        self.chain.weather = .down
        #expect(try await self.bench.ask(.get, "/sent/1").status == 503)
        let both = try await self.bench.ask(.get, "/both/1")
        #expect(
            both.status == 402 && both.head.fields.contains("payment-required") && !both.head.fields.contains("x-402-required"))
    }

    @Test func `a proof on a route that takes none is no credential`() async throws {
        let asked = try await self.ask()
        let answer = try await self.prove(asked, try await self.send(asked), at: "/plain/1")
        #expect(answer.status == 402 && self.bench.upstream.sent.isEmpty)
    }

    @Test func `what cannot be read is refused by its field's name`() async throws {
        let answer = try await self.bench.ask(.get, "/sent/1", ["X-402-Proof": "{}"])
        #expect(answer.status == 400 && String(decoding: answer.body, as: UTF8.self).contains("X-402-Proof"))
    }
}
