// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

@testable import TollMethods

/// Transfers that clients send by themselves, on a simulated chain and a ledger in memory.
struct TransferStand {
    static let buyer = PrivateKey(bytes: [UInt8](repeating: 7, count: 32))!
    static let thief = PrivateKey(bytes: [UInt8](repeating: 8, count: 32))!
    static let xpub =
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"

    let time = ManualTime(start: .seconds(ExactStand.now))
    let chain: SimulatedEVMChain
    let store = MemoryPaymentStore()
    let rail: TransferProofRail

    /// - Parameter others: Further nodes of the chain, which it is asked for as well.
    init(confirmations: ExactEVMNetwork.Confirmations = .blocks(1), others: [SimulatedEVMChain] = []) {
        let environment = self.time.environment
        self.chain = SimulatedEVMChain(clock: environment.wallClock)
        self.chain.mint(100_000, to: Self.buyer.address)
        self.chain.mint(100_000, to: Self.thief.address)
        let network = ExactEVMNetwork(
            chain: ExactStand.option.network, client: self.chain.client(), signers: nil, confirmations: confirmations)
        self.rail = TransferProofRail(
            networks: [
                TransferProofNetwork(
                    network, nodes: ([self.chain] + others).map { $0.client() }, assets: [ExactStand.option.asset])
            ],
            references: self.store, store: self.store, signer: ExactStand.signer, environment: environment, log: .silent)
    }

    var now: Int64 { Int64(self.time.environment.now()) }

    static func offer(
        _ binding: ReferenceTerms.Binding = .signature, route: String = "GET /weather", dialects: [DialectID] = []
    ) -> Offer {
        Offer(
            resource: "https://api.example/weather", description: "", mimeType: nil, options: [ExactStand.option],
            policy: .after, route: route, dialects: dialects + ["transfer-proof"],
            references: ReferenceTerms(binding: binding, series: ["eip155": Self.xpub]))
    }

    /// New instructions; nil when none are given.
    func ask(
        _ binding: ReferenceTerms.Binding = .signature, from client: String = "192.0.2.1"
    ) async throws -> TransferProof.Instructions? {
        let additions = await self.rail.dialect.additions(
            to: Self.offer(binding), for: ChallengeOccasion(client: client))
        return try TransferProof.Instructions(extensions: additions?.extensions)
    }

    /// A transfer as asked for, or nearly; answers its hash.
    @discardableResult
    func send(
        _ asked: TransferProof.Instructions, units: UInt256? = nil, by key: PrivateKey = buyer, number: UInt64,
        tip: UInt256 = 10
    ) async throws -> Bytes32 {
        let call = ERC20.transfer(to: try #require(Address(hex: asked.recipient)), value: units ?? asked.amount)
        let transaction = EIP1559Transaction(
            chainID: asked.chainID, nonce: number, maxPriorityFeePerGas: tip, maxFeePerGas: tip.adding(1_000_000_000) ?? .max,
            gasLimit: 100_000, to: SimulatedEVMChain.token, value: 0, data: call)
        return try await self.chain.client().send(transaction.signed(by: key).raw)
    }

    /// What the gateway makes of a proof on a route.
    func verify(
        _ asked: TransferProof.Instructions, _ sent: Bytes32, signedBy key: PrivateKey? = buyer,
        on route: String = "GET /weather", chainID: UInt64? = nil
    ) async -> Verification {
        await self.rail.method.verify(
            Self.credential(asked, sent, signedBy: key, on: route, chainID: chainID), at: self.now, freshness: .now)
    }

    static func credential(
        _ asked: TransferProof.Instructions, _ sent: Bytes32, signedBy key: PrivateKey? = buyer,
        on route: String = "GET /weather",
        chainID: UInt64? = nil
    ) -> Credential {
        let chainID = chainID ?? asked.chainID
        let proof =
            key.map { TransferProof.Proof.signed(txHash: sent, chainID: chainID, reference: asked.reference, key: $0) }
            ?? TransferProof.Proof(txHash: sent, chainID: chainID, reference: asked.reference)
        let option = PaymentOption(
            scheme: TransferProof.name, asset: ExactStand.option.asset, amount: ExactStand.option.amount,
            payTo: ExactStand.option.payTo, maxTimeoutSeconds: 300)
        return Credential(
            dialect: "transfer-proof", option: option, payload: ShownProof.payload(proof, routes: [route]),
            challengeHash: Self.hash(asked), challenge: PresentedChallenge(asked.reference.text))
    }

    static func hash(_ asked: TransferProof.Instructions) -> Bytes32 { SHA256.hash(Array(asked.reference.text.utf8)) }

    func deposits() async throws -> [PaymentRecord] {
        try await self.store.records(PaymentQuery(limit: 100)).filter { $0.claim.key.isDeposit }
    }

    func state(_ asked: TransferProof.Instructions) async throws -> String? {
        try await self.rail.statuses.status(of: asked.reference.text)?["state"]?.string
    }
}

/// The reason of a verification that is not valid.
func reason(_ verification: Verification) -> TransferProof.Reason? {
    switch verification {
    case .invalid(let refusal, _, _), .processing(let refusal): TransferProof.Reason(rawValue: refusal.reason)
    case .valid, .unavailable: nil
    }
}

func isValid(_ verification: Verification) -> Bool { if case .valid = verification { true } else { false } }
func isProcessing(_ verification: Verification) -> Bool { if case .processing = verification { true } else { false } }
func isUnavailable(_ verification: Verification) -> Bool { if case .unavailable = verification { true } else { false } }
