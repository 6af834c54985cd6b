// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

/// Who is known as the one that claimed, and what the machine does with identifiers and credit.
@Suite struct ClaimantTests {
    private static let asset = Asset(
        network: ChainID(eip155: 84532), address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", symbol: "USDC", decimals: 6,
        domainName: "USDC", domainVersion: "2")
    private static let option = PaymentOption(asset: asset, amount: 1000, payTo: "0xBB", maxTimeoutSeconds: 300)
    private static let key = PaymentKey(network: asset.network, asset: asset.address, payer: "0xAA", nonce: "0x01")
    private static let payment = VerifiedPayment(key: key, payer: "0xAA", unusedAtBlock: 7, validBefore: 2000)
    private static let request = RequestIdentity(parts: [[1]], isRepeatable: true)
    private static let id = "0123456789abcdef"

    private static func credential(_ id: String? = id, secret: Bytes32? = nil, dialect: DialectID = "x402") -> Credential {
        Credential(dialect: dialect, option: option, payload: [:], challengeHash: secret, identifier: id)
    }

    private static func claim(
        _ credential: Credential = credential(), nonce: String = "0x01", paying option: PaymentOption = option
    ) -> Claim {
        Claim(
            key: PaymentKey(network: asset.network, asset: asset.address, payer: "0xAA", nonce: nonce), payer: "0xAA",
            option: option, dialect: credential.dialect,
            policy: credential.dialect == .credit ? .before : .after, payload: [:], route: "/x", request: request,
            challengeHash: credential.challengeHash, unusedAtBlock: 7, validBefore: 2000,
            identifierHash: Claimant(credential, signedIn: nil).identifierHash(of: "0xAA"), worker: SamplePayment.worker(1))
    }

    private static func machine(
        _ credential: Credential = credential(), key: PaymentKey? = key, isPaidAhead: Bool = false,
        alternatives: [PaymentOption] = []
    ) -> PaidRequest {
        PaidRequest(
            credential: credential, key: key, rule: SettleRule(.after), isPaidAhead: isPaidAhead, alternatives: alternatives,
            route: "/x", request: self.request, worker: SamplePayment.worker(1), at: 2)
    }

    private static func settled(_ claim: Claim = claim()) throws -> PaymentRecord {
        var record = PaymentRecord(claim, at: 0)
        try record.apply(.answered(StoredAnswer(status: 200, fields: [], body: [])), at: 1)
        try record.apply(.settled(Settlement(transaction: "0xfeed", block: 8, logIndex: 0)), at: 1)
        return record
    }

    private static var hash: Bytes32 { Claimant(credential(), signedIn: nil).identifierHash(of: "0xAA") ?? .zero }

    // MARK: - Who

    @Test func `missing never equals missing`() {
        let nobody = Claimant(Self.credential(nil), signedIn: nil)
        #expect(!nobody.made(Self.claim(Self.credential(nil))) && !nobody.hasSecret)
        #expect(!nobody.made(Self.claim()) && !nobody.made(Self.claim(Self.credential(nil, secret: .zero))))
    }

    @Test func `the challenge or the identifier is enough, however the payer is spelt`() {
        let claim = Self.claim(Self.credential(secret: .zero))
        #expect(Claimant(Self.credential(), signedIn: nil).made(claim))
        #expect(Claimant(Self.credential(nil, secret: .zero), signedIn: nil).made(claim))
        #expect(!Claimant(Self.credential("0123456789abcdeF"), signedIn: nil).made(claim))
        let claimant = Claimant(Self.credential(), signedIn: nil)
        #expect(claimant.identifierHash(of: "0xAA") == claimant.identifierHash(of: "0xaa"))
        #expect(claimant.identifierHash(of: "0xAA") != claimant.identifierHash(of: "0xAB"))
    }

    // MARK: - Identifiers

    @Test func `an identifier is looked up before anything is verified`() throws {
        var machine = Self.machine()
        #expect(machine.start() == .lookUpIdentifier(Self.hash))
        #expect(machine.identified(nil) == .verify(.now))
        #expect(machine.verified(.valid(Self.payment)) == .claim(Self.claim(), nil))
    }

    @Test func `without an identifier, or where the payment is not known yet, verification comes first`() {
        var without = Self.machine(Self.credential(nil))
        #expect(without.start() == .verify(.now))
        var unknown = Self.machine(key: nil)
        #expect(unknown.start() == .verify(.now))
    }

    @Test func `the same payment under its identifier gets its answer without being verified`() throws {
        var machine = Self.machine()
        _ = machine.start()
        let record = try Self.settled()
        #expect(machine.identified(record) == .lookUp(Self.key.id))
        #expect(machine.known(record) == .finish(.replay(record)))
    }

    @Test func `another payment under the identifier is a conflict, found before the claim or by it`() throws {
        let other = PaymentRecord(Self.claim(nonce: "0x02"), at: 0)
        var before = Self.machine()
        _ = before.start()
        #expect(before.identified(other) == .finish(.identifierTaken(other.id)))
        var late = Self.machine()
        _ = late.start()
        _ = late.identified(nil)
        _ = late.verified(.valid(Self.payment))
        #expect(late.claimed(.identifierTaken(other)) == .finish(.identifierTaken(other.id)))
    }

    @Test func `a payment that was released or failed meanwhile is verified anew`() throws {
        var released = PaymentRecord(Self.claim(), at: 0)
        try released.apply(.released(reason: "the upstream answered 500"), at: 1)
        var failed = PaymentRecord(Self.claim(), at: 0)
        try failed.apply(.failed(PaymentRefusal("transaction_failed")), at: 1)
        for found in [released, failed, nil] {
            var machine = Self.machine()
            _ = machine.start()
            _ = machine.identified(PaymentRecord(Self.claim(), at: 0))
            #expect(machine.known(found) == .verify(.now))
        }
    }

    // MARK: - Credit

    @Test func `credit is spent where a payment is claimed, and what it bought is called for`() throws {
        let credential = Self.credential(nil, dialect: .credit)
        let other = PaymentOption(asset: SamplePayment.otherAsset, amount: 900, payTo: "0xBB", maxTimeoutSeconds: 300)
        let claims = [Self.claim(credential), Self.claim(credential, paying: other)]
        let claim = claims[0]
        var machine = Self.machine(credential, isPaidAhead: true, alternatives: [other])
        #expect(machine.start() == .verify(.now))
        #expect(machine.verified(.valid(Self.payment)) == .spendCredit(claims))
        var record = PaymentRecord(claim, at: 0)
        try record.apply(.settled(.credit), at: 1)
        #expect(machine.credited(.first(record)) == .callUpstream(record))
        let reason = "the upstream answered 500"
        #expect(machine.upstreamAnswered(.answer(status: 500)) == .record([.owed(reason: reason)], keepsAnswer: false))
    }

    @Test func `too little credit is said, and what is held goes to its payer alone`() throws {
        let credential = Self.credential(nil, dialect: .credit)
        var poor = Self.machine(credential)
        _ = poor.verified(.valid(Self.payment))
        #expect(poor.credited(.insufficient) == .finish(.insufficientCredit))
        var stranger = Self.machine(credential)
        _ = stranger.verified(.valid(Self.payment))
        #expect(stranger.credited(.held(try Self.settled(Self.claim(credential)))) == .finish(.alreadyUsed(transaction: nil)))
    }
}
