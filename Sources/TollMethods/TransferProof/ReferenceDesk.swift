// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollCrypto
internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Makes references: what a 402 asks for, kept in the ledger before the client sees it, and vouched for by a signature.
final class ReferenceDesk: Sendable {
    /// References open at once, at most; each is a row of some hundred bytes.
    private static let openMax = 100_000
    /// An account's key of BIP-44, which wallets hand out, lies at this depth; its addresses are those of its external branch.
    private static let accountDepth: UInt8 = 3
    private static let externalBranch: UInt32 = 0

    private let store: any ReferenceStore
    private let signer: PrivateKey
    private let heads: any ChainHeads
    private let quota = Mutex(ReferenceQuota())
    private let environment: Environment
    private let log: Logger

    init(
        heads: any ChainHeads, store: any ReferenceStore, signer: PrivateKey, environment: Environment, log: Logger
    ) {
        self.store = store
        self.signer = signer
        self.heads = heads
        self.environment = environment
        self.log = log
    }

    /// The instructions of a new reference for `offer`; nil when none can be made: too many are asked for, the chain or the
    /// ledger does not answer, or nothing of the offer can be paid so.
    func open(_ offer: Offer, for client: String) async -> TransferProof.Instructions? {
        guard let terms = offer.references,
            let option = offer.options.first(where: { $0.network.eip155 != nil && self.heads.covers($0.network) }),
            let reference = TransferProof.Reference(bytes: self.environment.randomBytes(TransferProof.Reference.size))
        else { return nil }
        let takesAddress = terms.binding == .address
        let isAdmitted = self.quota.withLock {
            $0.admit(client, takesAddress: takesAddress, at: self.environment.monotonic())
        }
        guard isAdmitted else {
            self.log.info("no reference made: too many are asked for", ["client": client, "route": offer.route])
            return nil
        }
        do {
            let now = Int64(self.environment.now())
            let head = try await self.heads.head(of: option.network)
            let draft = PaymentReference(
                hash: SHA256.hash(Array(reference.text.utf8)), binding: .signature, option: option.shown(to: option.payTo),
                route: offer.route, resource: offer.resource, head: head, issuedAt: now,
                expires: now + terms.lifetimeSeconds)
            let kept = try await self.keep(draft, terms, at: now)
            return try kept.map { try self.instructions(for: $0, reference) }
        } catch {
            self.log.error("no reference made", ["route": offer.route, "reason": "\(error)"])
            return nil
        }
    }

    /// The instructions of a reference that a client has brought back: the same, until it ends; nil when it is not known, has
    /// ended, or is for another route.
    func reopen(_ reference: TransferProof.Reference, for offer: Offer) async -> TransferProof.Instructions? {
        guard let kept = try? await self.store.reference(SHA256.hash(Array(reference.text.utf8))), kept.route == offer.route,
            Int64(self.environment.now()) < kept.expires
        else { return nil }
        return try? self.instructions(for: kept, reference)
    }

    /// Bound as the route wants it. Where every amount is taken the sender signs.
    private func keep(_ draft: PaymentReference, _ terms: ReferenceTerms, at now: Int64) async throws -> PaymentReference? {
        var bound = draft
        switch terms.binding {
        case .signature: break
        case .amount: bound = draft.bound(by: .amount)
        case .address: bound = try await self.address(draft, terms)
        }
        let start = self.environment.randomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch try await self.store.open(bound, startingAt: start, limit: Self.openMax, at: now) {
        case .opened(let reference): return reference
        case .full:
            self.log.warning("no reference made: as many are open as may be", ["count": Self.openMax])
            return nil
        case .noAmountFree:
            self.log.warning("no amount is free: the sender signs", ["route": draft.route, "price": draft.option.display])
            guard case .opened(let reference) = try await self.store.open(draft, startingAt: 0, limit: Self.openMax, at: now)
            else { return nil }
            return reference
        }
    }

    private func address(_ draft: PaymentReference, _ terms: ReferenceTerms) async throws -> PaymentReference {
        let network = draft.option.network
        guard let text = terms.series[network.namespace] else {
            throw PaymentSigningError("pay_to.\(network.namespace) has no xpub")
        }
        let key = try ExtendedPublicKey(parsing: text)
        let external = key.depth == Self.accountDepth ? try key.child(Self.externalBranch) : key
        // The name of a series is public, and says nothing of the key.
        let series = "\(network.namespace):\(Address(external.publicKey))"
        while true {
            let index = try await self.store.nextAddressIndex(in: series)
            do throws(ExtendedPublicKey.DerivationError) {
                let address = try external.address(index)
                return draft.bound(by: .address(series: series, index: index), payTo: address.description)
            } catch {
                guard error == .noSuchKey else { throw error }
            }
        }
    }

    private func instructions(
        for kept: PaymentReference, _ reference: TransferProof.Reference
    ) throws -> TransferProof.Instructions {
        let option = kept.option
        return try TransferProof.Instructions(
            reference: reference, recipient: option.payTo, amount: option.amount, currency: option.asset.symbol,
            decimals: UInt8(clamping: option.asset.decimals), asset: option.asset.address,
            chainID: option.network.eip155 ?? 0, resource: kept.resource, expires: kept.expires,
            bind: TransferProof.Binding(rawValue: kept.binding.name) ?? .signature
        ).signed(with: self.signer)
    }
}

extension PaymentOption {
    /// The same as this dialect's, to a recipient of its own.
    fileprivate func shown(to recipient: String) -> PaymentOption {
        PaymentOption(
            scheme: DepositBook.scheme, asset: self.asset, amount: self.amount, payTo: recipient,
            maxTimeoutSeconds: self.maxTimeoutSeconds)
    }
}

extension PaymentReference {
    fileprivate func bound(by binding: ReferenceBinding, payTo: String? = nil) -> PaymentReference {
        PaymentReference(
            hash: self.hash, binding: binding, option: self.option.shown(to: payTo ?? self.option.payTo), route: self.route,
            resource: self.resource, head: self.head, issuedAt: self.issuedAt, expires: self.expires)
    }
}
