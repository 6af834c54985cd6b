// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollCrypto
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

/// `exact` by EIP-3009 on a simulated chain.
struct ExactStand {
    static let now: Int64 = 1_800_000_000
    static let payer = PrivateKey(bytes: [UInt8](repeating: 7, count: 32))!
    static let signer = PrivateKey(bytes: [UInt8](repeating: 9, count: 32))!
    static let option = PaymentOption(
        asset: Asset(
            network: ChainID(eip155: 84_532),
            address: SimulatedEVMChain.token.description,
            symbol: "USDC",
            decimals: 6,
            domainName: "USDC",
            domainVersion: "2"
        ),
        amount: 1_000,
        payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
        maxTimeoutSeconds: 300
    )

    let time: ManualTime
    let chain: SimulatedEVMChain
    let store: MemoryPaymentStore
    let network: ExactEVMNetwork
    let exact: ExactEVM
    let background = BackgroundWork()
    let signers = SignerPool([signer])

    init(
        chain: SimulatedEVMChain? = nil,
        factories: Set<Address> = [],
        confirmations: ExactEVMNetwork.Confirmations = .blocks(1),
        confirmationsOver: [ExactEVMNetwork.DepthOver] = [],
        assets: Set<Address>? = nil,
        limits: ExactEVMNetwork.Limits = ExactEVMNetwork.Limits(),
        store: (any PaymentStore)? = nil,
        sleepPasses: Bool = true
    ) {
        self.store = store as? MemoryPaymentStore ?? MemoryPaymentStore()
        self.time = ManualTime(start: .seconds(Self.now), sleepPasses: sleepPasses)
        let environment = self.time.environment
        self.chain = chain ?? SimulatedEVMChain(clock: environment.wallClock)
        self.chain.mint(5_000, to: Self.payer.address)
        let network = ExactEVMNetwork(
            chain: Self.option.network,
            client: self.chain.client(),
            signers: self.signers,
            confirmations: confirmations,
            confirmationsOver: confirmationsOver,
            assets: assets,
            walletFactories: factories,
            limits: limits
        )
        self.network = network
        self.exact = ExactEVM(
            networks: [network],
            store: store ?? self.store,
            background: self.background,
            environment: environment,
            log: .silent
        )
    }

    /// A payload that `from` is said to have signed.
    static func payload(
        nonce: Int = 1,
        from: Address = payer.address,
        key: PrivateKey = payer,
        value: UInt256 = 1_000,
        signature: [UInt8]? = nil
    ) -> JSONObject {
        let authorization = EIP3009.Authorization(
            from: from,
            to: Address(hex: self.option.payTo)!,
            value: value,
            validAfter: UInt256(UInt64(self.now - 10)),
            validBefore: UInt256(UInt64(self.now + 120)),
            nonce: UInt256(UInt64(nonce)).word
        )
        let domain = EIP712.Domain(name: "USDC", version: "2", chainID: 84_532, verifyingContract: SimulatedEVMChain.token)
        return ExactEVMPayload(
            signature: signature ?? key.sign(digest: authorization.digest(domain)).bytes,
            authorization: ExactEVMPayload.Authorization(
                from: from.description,
                to: authorization.to.description,
                value: value,
                validAfter: authorization.validAfter,
                validBefore: authorization.validBefore,
                nonce: authorization.nonce
            )
        ).json
    }

    static func credential(_ payload: JSONObject = payload(), option: PaymentOption = option) -> Credential {
        Credential(dialect: "x402", option: option, payload: payload, challengeHash: nil)
    }

    func verify(_ payload: JSONObject = payload(), option: PaymentOption = option) async -> Verification {
        await self.exact.verify(Self.credential(payload, option: option), at: Self.now)
    }

    /// The reason and the detail of a refusal; nil when it is valid or unavailable.
    func refusal(_ payload: JSONObject = payload(), option: PaymentOption = option) async -> PaymentRefusal? {
        guard case .invalid(let refusal, _, _) = await self.verify(payload, option: option) else { return nil }
        return refusal
    }

    /// Lets background work run while `body` does.
    func withBackground(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.background.run() }
            try await body()
            group.cancelAll()
        }
    }

    /// Waits until it is so, for as long as a test may take; says whether it came to be.
    func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
        for _ in 0..<20_000 {
            if try await condition() { return true }
            await Task.yield()
        }
        return false
    }

    /// Served before it was paid, and waiting for a batch.
    func queued(_ payload: JSONObject) async throws -> PaymentRecord {
        let record = try await self.claimed(payload, policy: .deferred)
        return try await self.store.append([.queued, .served], to: record.id, at: Self.now)
    }

    func phase(_ record: PaymentRecord) async throws -> PaymentRecord.Phase? { try await self.store.record(record.id)?.phase }

    /// A claim in the ledger, as of the newest block where no other is named.
    func claimed(
        _ payload: JSONObject = payload(), policy: SettlePolicy = .after, unusedAtBlock: UInt64? = nil
    ) async throws -> PaymentRecord {
        guard case .valid(let payment) = await self.verify(payload) else { throw Unverified() }
        let claim = Claim(
            key: payment.key,
            payer: payment.payer,
            option: Self.option,
            dialect: "x402",
            policy: policy,
            payload: payload,
            route: "/paid",
            request: RequestIdentity(digest: nil, isRepeatable: true),
            challengeHash: nil,
            unusedAtBlock: unusedAtBlock ?? payment.unusedAtBlock,
            validBefore: payment.validBefore
        )
        guard case .first(let record) = try await self.store.claim(claim, at: Self.now) else { throw Unverified() }
        return record
    }

    func settle(_ record: PaymentRecord, patience: Duration = .seconds(30)) async throws -> SettlementOutcome {
        let current = try await self.store.record(record.id) ?? record
        return await self.exact.settle(current, patience: patience)
    }

    func events(_ record: PaymentRecord) async throws -> [String] { try await self.store.events(record.id).map(\.event.name) }

    struct Unverified: Error {}
}
