// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollCrypto
import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

/// A shop whose server takes transfers alone, and a chain on which they are made.
final class TransferShop {
    static let sellerKey = PrivateKey(bytes: [UInt8](repeating: 7, count: 32))!
    static let listedKey = PrivateKey(bytes: [UInt8](repeating: 8, count: 32))!
    static let seller = sellerKey.address
    static let payer = Market.key.address

    let shop: Shop
    let chain: SimulatedEVMChain
    let told = Mutexed<[String]>([])
    private let onSleep = Mutexed<@Sendable () -> Void>({})
    var feeLimit: UInt256 = 500_000_000_000

    init(_ answers: [Answer] = [], shop: Shop? = nil) {
        self.shop = shop ?? Shop(answers)
        let stage = self.shop.stage
        self.chain = SimulatedEVMChain { .seconds(Int64(stage.now)) }
        self.chain.mint(1_000_000, to: Self.payer)
    }

    /// What happens whenever the buyer waits, beside that time goes on.
    func whenWaiting(_ action: @escaping @Sendable () -> Void) { self.onSleep.set { _ in action } }

    var environment: Environment {
        var environment = self.shop.stage.environment
        let (stage, onSleep) = (self.shop.stage, self.onSleep)
        environment.monotonic = { .seconds(Int64(stage.now)) }
        environment.sleep = { duration in
            stage.advance(by: UInt64(duration.components.seconds))
            onSleep.value()
        }
        return environment
    }

    var sender: TransferPayer {
        TransferPayer(Market.key, nodes: self.nodes, feeLimit: self.feeLimit, environment: self.environment)
    }

    var nodes: TransferNodes {
        let chain = self.chain
        return TransferNodes { $0 == Market.baseSepolia ? chain.client() : nil }
    }

    func buy(
        _ policy: PurchasePolicy = PurchasePolicy(), _ request: PurchaseRequest = PurchaseRequest(Market.url),
        senders: [any TransferSender]? = nil
    ) async -> (report: PurchaseReport, body: String) {
        let (collected, told) = (Collected(), self.told)
        let buyer = Buyer(
            client: self.shop.server, directory: Market.directory, signers: self.shop.signers, journal: self.shop.journal,
            senders: senders ?? [self.sender], reader: self.nodes, environment: self.environment
        ) { line in told.set { $0 + [line] } }
        let report = await buyer.purchase(request, policy: policy) { collected.take($0) }
        return (report, collected.text)
    }

    func recover(patience: UInt64 = 60) async throws -> [TransferRecovery.Finding] {
        let recovery = TransferRecovery(
            client: self.shop.server, journal: self.shop.journal, chain: self.nodes, senders: [self.sender],
            environment: self.environment)
        return try await recovery.run(patience: patience).map(\.1)
    }

    /// The proofs that were sent.
    var proofs: [TransferProof.Proof] {
        self.shop.server.requests.compactMap { request in
            request.fields.firstText("x-402-proof").flatMap { try? TransferProof.Proof(fieldValue: $0) }
        }
    }

    /// The transactions in the journal.
    var signed: [SignedTransfer] { get throws { try self.shop.journal.payments().flatMap { $0.transfer?.transactions ?? [] } } }

    static func reference(_ number: UInt8 = 1) -> TransferProof.Reference {
        TransferProof.Reference(bytes: [UInt8](repeating: number, count: 16))!
    }

    static func instructions(
        _ number: UInt8 = 1, amount: UInt256 = 1_000, decimals: UInt8 = 6, currency: String = "USDC",
        asset: String = Market.usdc.address, chainID: UInt64 = 84_532, recipient: String = seller.description,
        resource: String = Market.url.description, lifetime: Int64 = 900, signer: PrivateKey? = sellerKey
    ) throws -> TransferProof.Instructions {
        let instructions = try TransferProof.Instructions(
            reference: reference(number), recipient: recipient, amount: amount, currency: currency, decimals: decimals,
            asset: asset, chainID: chainID, resource: resource, expires: Int64(Market.now) + lifetime, bind: .signature)
        return try signer.map { try instructions.signed(with: $0) } ?? instructions
    }

    /// A 402 with instructions, and whatever stands beside them.
    static func challenge(
        _ instructions: TransferProof.Instructions, accepts: [JSON] = [], members: JSONObject = [:], fields: [String: String] = [:]
    ) -> Answer {
        var object: JSONObject = [
            "x402Version": 2, "error": "Payment required", "resource": ["url": .string(Market.url.description)],
            "accepts": .array(accepts),
        ]
        for (name, value) in members.members { object[name] = value }
        instructions.write(to: &object)
        return .answer(402, fields.merging(["PAYMENT-REQUIRED": PaymentHeader.encode(object)]) { $1 }, "{}")
    }

    /// The usual 402.
    static func challenge(_ number: UInt8 = 1) throws -> Answer { self.challenge(try self.instructions(number)) }

    /// A 402 to a proof.
    static func processing(_ number: UInt8 = 1, reason: String = "unconfirmed") throws -> Answer {
        self.challenge(
            try self.instructions(number), members: ["state": "processing", "reason": .string(reason)],
            fields: ["Retry-After": "2"])
    }

    static func refused(_ reason: String, _ number: UInt8 = 1) throws -> Answer {
        self.challenge(try self.instructions(number), members: ["state": "awaiting", "reason": .string(reason)])
    }

    static func status(_ state: TransferProof.Status.State, received: UInt256 = 1_000, _ number: UInt8 = 1) -> Answer {
        let status = TransferProof.Status(
            reference: reference(number), state: state, amount: 1_000, received: received, expires: Int64(Market.now) + 900)
        return .answer(200, ["Content-Type": "application/json"], JSON.object(status.json).text)
    }
}
