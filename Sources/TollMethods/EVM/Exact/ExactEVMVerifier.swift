// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollCrypto
internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Whether an EIP-3009 payment would settle: first what needs no chain, then one question to it.
///
/// Order and reasons: x402 `exact` on EVM, /verify.
final class ExactEVMVerifier: Sendable {
    /// An authorization must live this much longer, in seconds: the transaction has to be mined in time.
    static let slackSeconds: UInt64 = 6

    private let networks: [ChainID: ExactEVMNetwork]
    /// Assets that were seen to have code. A token that exists does not go away.
    private let deployed = Mutex<Set<String>>([])
    private let payers: PayerStates
    private let domains = TokenDomains()

    init(networks: [ChainID: ExactEVMNetwork], environment: Environment) {
        self.networks = networks
        self.payers = PayerStates(environment: environment)
    }

    func verify(_ credential: Credential, at time: Int64, freshness: Freshness) async -> Verification {
        let payment: ExactEVMPayment
        do throws(PaymentRefusal) { payment = try ExactEVMPayment(credential.payload, option: credential.option) } catch {
            return .invalid(error)
        }
        let payer = payment.authorization.from.description
        guard let network = self.networks[credential.option.network] else {
            return .invalid(PaymentRefusal(ErrorReason.networkConfiguration.rawValue), payer: payer, key: payment.key)
        }
        // Somebody's program, that our signer would pay for: not even looked at.
        if let assets = network.assets, !assets.contains(payment.asset) {
            let detail = "\(payment.asset) is not among the assets of \(network.chain)"
            return .invalid(
                PaymentRefusal(ErrorReason.assetInformation.rawValue, detail: detail), payer: payer, key: payment.key)
        }
        do throws(Failure) {
            try Self.checkTerms(payment, at: time)
            try Self.checkSignatureShape(payment, network)
            let found = try await self.state(payment, network, freshness)
            return .valid(
                VerifiedPayment(
                    key: payment.key, payer: payer, unusedAtBlock: found.block, validBefore: payment.validBefore,
                    spendable: found.balance))
        } catch {
            switch error {
            case .refused(let refusal): return .invalid(refusal, payer: payer, key: payment.key)
            case .unavailable(let reason): return .unavailable(reason: reason)
            }
        }
    }

    private enum Failure: Error {
        case refused(PaymentRefusal)
        case unavailable(String)

        static func refused(_ reason: ErrorReason, _ detail: String) -> Failure {
            .refused(PaymentRefusal(reason.rawValue, detail: detail))
        }

        /// A call of ours that failed without a verdict of the contract says nothing about the payment.
        static func from(_ error: RPCError) -> Failure { .unavailable("the chain: \(error)") }
    }

    // MARK: - Without the chain

    /// What can be said against the payment of a plain account without asking a chain.
    static func objectionWithoutChain(to payment: ExactEVMPayment, at time: Int64) -> PaymentRefusal? {
        do throws(Failure) {
            try self.checkTerms(payment, at: time)
            try self.checkPlainSignature(payment, TokenDomains())
            return nil
        } catch {
            switch error {
            case .refused(let refusal): return refusal
            case .unavailable(let reason): return PaymentRefusal(ErrorReason.signature.rawValue, detail: reason)
            }
        }
    }

    private static func checkTerms(_ payment: ExactEVMPayment, at time: Int64) throws(Failure) {
        let (authorization, option) = (payment.authorization, payment.option)
        let now = UInt256(UInt64(max(0, time)))
        guard authorization.to == Address(hex: option.payTo) else {
            throw .refused(.recipientMismatch, "the authorization pays \(authorization.to), the offer asks for \(option.payTo)")
        }
        guard authorization.value == option.amount else {
            throw .refused(
                .valueMismatch, "the authorization is for \(authorization.value) units, the offer for \(option.amount)")
        }
        guard let earliestEnd = now.adding(UInt256(slackSeconds)), authorization.validBefore >= earliestEnd else {
            throw .refused(
                .validBefore, "validBefore \(authorization.validBefore) is less than \(slackSeconds) s after now, \(now)")
        }
        guard authorization.validAfter <= now else {
            throw .refused(.validAfter, "validAfter \(authorization.validAfter) is after now, \(now)")
        }
    }

    private static func checkSignatureShape(_ payment: ExactEVMPayment, _ network: ExactEVMNetwork) throws(Failure) {
        guard !payment.signature.isEmpty else { throw .refused(.signature, "the signature is empty") }
        guard let deployment = payment.deployment else {
            guard !ERC6492Signature.isWrapped(payment.signature) else {
                throw .refused(.signature, "the signature ends as ERC-6492 does, and is not its ABI")
            }
            return
        }
        guard deployment.factory != .zero, !deployment.factoryCalldata.isEmpty else {
            throw .refused(.undeployedSmartWallet, "the ERC-6492 wrapper names no factory or no call")
        }
        guard network.walletFactories.contains(deployment.factory) else {
            throw .refused(.factoryNotAllowed, "factory \(deployment.factory) is not among erc6492_factories of \(network.chain)")
        }
    }

    /// The signature of a plain account, against the account it must be of.
    private static func checkPlainSignature(_ payment: ExactEVMPayment, _ domains: TokenDomains) throws(Failure) {
        let expected = payment.authorization.from
        guard let signature = payment.plainSignature else {
            guard payment.signature.count != 65 else {
                throw .refused(.signature, "expected signer \(expected), recovered none (v is none of 0, 1, 27 and 28)")
            }
            throw .refused(
                .undeployedSmartWallet,
                "\(expected) has no code, and a signature of \(payment.signature.count) bytes is no plain account's")
        }
        let recovered: Address
        do { recovered = try signature.signer(of: payment.digest(domains)) } catch {
            throw .refused(.signature, "expected signer \(expected), recovered none (\(error))")
        }
        guard recovered == expected else { throw .refused(.signature, "expected signer \(expected), recovered \(recovered)") }
    }

    // MARK: - With the chain

    /// What is known of the payer: the block in whose state that is, and what it holds where that was asked.
    private struct Found {
        let block: UInt64
        var balance: UInt256?
    }

    /// By what was read some seconds ago where that is enough and the payer has a plain account with the money; else by asking.
    private func state(
        _ payment: ExactEVMPayment, _ network: ExactEVMNetwork, _ freshness: Freshness
    ) async throws(Failure) -> Found {
        guard freshness == .recent, payment.deployment == nil else {
            return Found(block: try await self.examine(payment, network).head)
        }
        let key = PayerStates.Key(chain: network.chain, asset: payment.asset, payer: payment.authorization.from)
        if let known = self.payers[key], known.balance >= payment.authorization.value {
            try Self.checkPlainSignature(payment, self.domains)
            return Found(block: known.block, balance: known.balance)
        }
        let examined = try await self.examine(payment, network)
        guard examined.isPlain else { return Found(block: examined.head) }
        let balance = ERC20.balance(of: payment.authorization.from)
        do throws(RPCError) {
            let data = try await network.client.ask(.call(CallMessage(to: payment.asset, data: balance)))
            guard let held = ABI.integer(returned: data) else { return Found(block: examined.head) }
            self.payers.set(PayerStates.State(balance: held, block: examined.head), for: key)
            return Found(block: examined.head, balance: held)
        } catch {
            throw .from(error)
        }
    }

    /// One question: the head, the payer's code, and what the transfer would do. The head is read first, so that the nonce was
    /// unused in its state or a later one. Says the head's number, and whether the payer is a plain account.
    private func examine(
        _ payment: ExactEVMPayment, _ network: ExactEVMNetwork
    ) async throws(Failure) -> (head: UInt64, isPlain: Bool) {
        let sender = network.signers?.addresses.first
        let transfer = CallMessage(from: sender, to: payment.asset, data: payment.transferCalldata)
        let (block, code, call) = await network.client.ask(
            .block(.latest), .code(of: payment.authorization.from), .call(transfer))
        let (head, isPlain): (UInt64, Bool)
        do throws(RPCError) {
            guard let known = try block.get() else { throw .unavailable(reason: "no newest block", mayHaveBeenDelivered: false) }
            (head, isPlain) = (known.number, try code.get().isEmpty)
        } catch {
            throw .from(error)
        }
        if isPlain, payment.deployment != nil {
            return (try await self.examineUndeployed(payment, network, head: head), false)
        }
        if isPlain { try Self.checkPlainSignature(payment, self.domains) }
        try await self.checkAsset(payment, network)
        switch call {
        case .success: return (head, isPlain)
        case .failure(.revert(let data, let message)):
            throw await self.diagnose(payment, network, .revert(data: data, message: message))
        case .failure(let error): throw .from(error)
        }
    }

    /// A wallet that does not exist yet: deployed and used in one simulated transaction, as settlement will do it.
    private func examineUndeployed(
        _ payment: ExactEVMPayment, _ network: ExactEVMNetwork, head: UInt64
    ) async throws(Failure) -> UInt64 {
        try await self.checkAsset(payment, network)
        let message = CallMessage(
            from: network.signers?.addresses.first, to: Multicall3.address, data: payment.deployAndTransferCalldata)
        do throws(RPCError) {
            _ = try await network.client.ask(.call(message))
            return head
        } catch {
            guard case .revert = error else { throw .from(error) }
            throw await self.diagnose(payment, network, error)
        }
    }

    private func checkAsset(_ payment: ExactEVMPayment, _ network: ExactEVMNetwork) async throws(Failure) {
        let name = "\(network.chain)/\(payment.asset)"
        guard !self.deployed.withLock({ $0.contains(name) }) else { return }
        do throws(RPCError) {
            guard try await !network.client.ask(.code(of: payment.asset)).isEmpty else {
                throw .rejected(code: 0, message: "", reason: .other)
            }
        } catch {
            if case .rejected = error { throw .refused(.assetNotDeployed, "\(payment.asset) has no code on \(network.chain)") }
            throw .from(error)
        }
        self.deployed.withLock { _ = $0.insert(name) }
    }

    /// Why the transfer would revert: by the token's words where they are known, else by asking what it depends on.
    private func diagnose(_ payment: ExactEVMPayment, _ network: ExactEVMNetwork, _ revert: RPCError) async -> Failure {
        let words = revert.revertReason ?? ""
        if let reason = Self.reason(forRevert: words) { return .refused(reason, "the token says: \(words)") }
        let (authorization, asset) = (payment.authorization, payment.asset)
        func ask(_ data: [UInt8]) -> EVMQuery<[UInt8]> { .call(CallMessage(to: asset, data: data)) }
        let (state, name, version, balance) = await network.client.ask(
            ask(EIP3009.authorizationStateCalldata(authorizer: authorization.from, nonce: authorization.nonce)),
            ask(ERC20.name), ask(ERC20.version), ask(ERC20.balance(of: authorization.from)))
        for answer in [state, name, version, balance] {
            if case .failure(let error) = answer, error.isUnavailable { return .from(error) }
        }
        guard case .success(let used) = state, let isUsed = ABI.word(returned: used).map({ $0 != .zero }) else {
            return .refused(.eip3009NotSupported, "\(asset) does not answer authorizationState")
        }
        if isUsed { return .refused(.nonceAlreadyUsed, "nonce \(authorization.nonce) of \(authorization.from) is used") }
        let domain = payment.option.asset
        if let found = Self.text(name), found != domain.domainName {
            return .refused(.tokenNameMismatch, "the token's name is \(found), the offer's \(domain.domainName)")
        }
        if let found = Self.text(version), found != domain.domainVersion {
            return .refused(.tokenVersionMismatch, "the token's version is \(found), the offer's \(domain.domainVersion)")
        }
        if case .success(let data) = balance, let held = ABI.integer(returned: data), held < authorization.value {
            return .refused(
                .insufficientBalance, "\(authorization.from) holds \(held) units, the price is \(authorization.value)")
        }
        return .refused(.simulationFailed, "the transfer would revert: \(words)")
    }

    private static func text(_ answer: Result<[UInt8], RPCError>) -> String? {
        guard case .success(let data) = answer else { return nil }
        return ABI.string(returned: data)
    }

    /// The known words of tokens, in lower case: Circle's FiatToken, OpenZeppelin's errors, Solady's.
    static func reason(forRevert words: String) -> ErrorReason? {
        let words = words.lowercased()
        let known: [(String, ErrorReason)] = [
            ("authorization is expired", .validBefore), ("authorizationexpired", .validBefore),
            ("authorization is not yet valid", .validAfter), ("authorization is used", .nonceAlreadyUsed),
            ("transfer amount exceeds balance", .insufficientBalance), ("erc20insufficientbalance", .insufficientBalance),
            ("invalid signature", .signature), ("signermismatch", .signature), ("invalidsignature", .signature),
        ]
        return known.first { words.contains($0.0) }?.1
    }
}
