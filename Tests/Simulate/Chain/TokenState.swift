// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollCrypto
import TollEVM
import TollPrimitives

/// How the world's token behaves.
enum TokenKind: String, CaseIterable, Sendable {
    /// As FiatToken does.
    case standard
    /// Never reverts: a transfer that cannot be made returns quietly, and no Transfer is logged.
    case quiet
    /// Keeps a hundredth of every transfer.
    case feeOnTransfer
}

/// An account and one of its authorizations.
struct AuthorizationKey: Hashable, Sendable {
    let account: Address
    let nonce: Bytes32
}

/// Who holds what of the token, and which authorizations are used up: the state after one block.
struct TokenState: Sendable {
    enum Use: Hashable, Sendable { case transferred, cancelled }

    /// A log of the token.
    struct Event: Hashable, Sendable {
        let topics: [Bytes32]
        let data: [UInt8]
    }

    static let feeCollector = Address(hex: "0x00000000000000000000000000000000000000fe") ?? .zero
    static let canceledTopic = Keccak256.hash(text: "AuthorizationCanceled(address,bytes32)")

    let kind: TokenKind
    var balances: [Address: UInt256] = [:]
    var uses: [AuthorizationKey: Use] = [:]

    func balance(of account: Address) -> UInt256 { self.balances[account] ?? 0 }

    /// `transferWithAuthorization`: the logs of its doing, or the words it reverts with.
    mutating func transfer(_ call: TransferCall, at time: UInt64, _ signatures: SignatureCache) -> Result<[Event], Revert> {
        let authorization = call.authorization
        if let words = self.objection(to: call, at: time, signatures) {
            return self.kind == .quiet ? .success([]) : .failure(Revert(words))
        }
        self.uses[AuthorizationKey(account: authorization.from, nonce: authorization.nonce)] = .transferred
        return .success(
            [Self.use(of: authorization)] + self.move(authorization.value, from: authorization.from, to: authorization.to))
    }

    /// The logs of a transfer that was made in full.
    static func events(of authorization: EIP3009.Authorization) -> [Event] {
        let topics = [ERC20.transferTopic, authorization.from.word, authorization.to.word]
        return [self.use(of: authorization), Event(topics: topics, data: authorization.value.word.bytes)]
    }

    private static func use(of authorization: EIP3009.Authorization) -> Event {
        Event(topics: [EIP3009.authorizationUsedTopic, authorization.from.word, authorization.nonce], data: [])
    }

    /// `cancelAuthorization`.
    mutating func cancel(_ key: AuthorizationKey) -> Result<[Event], Revert> {
        guard self.uses[key] == nil else {
            return self.kind == .quiet ? .success([]) : .failure(Revert("FiatTokenV2: authorization is used or canceled"))
        }
        self.uses[key] = .cancelled
        return .success([Event(topics: [Self.canceledTopic, key.account.word, key.nonce], data: [])])
    }

    /// `transfer`.
    mutating func pay(_ value: UInt256, from: Address, to: Address) -> Result<[Event], Revert> {
        guard self.balance(of: from) >= value else {
            return self.kind == .quiet ? .success([]) : .failure(Revert("ERC20: transfer amount exceeds balance"))
        }
        return .success(self.move(value, from: from, to: to))
    }

    private mutating func move(_ value: UInt256, from: Address, to: Address) -> [Event] {
        self.balances[from] = self.balance(of: from).subtracting(value) ?? 0
        let fee = self.kind == .feeOnTransfer ? value.quotientAndRemainder(dividingBy: 100).quotient : 0
        let rest = value.subtracting(fee) ?? 0
        self.balances[to] = self.balance(of: to).adding(rest) ?? .max
        var events = [Event(topics: [ERC20.transferTopic, from.word, to.word], data: rest.word.bytes)]
        if fee != .zero {
            self.balances[Self.feeCollector] = self.balance(of: Self.feeCollector).adding(fee) ?? .max
            events.append(
                Event(topics: [ERC20.transferTopic, from.word, Self.feeCollector.word], data: fee.word.bytes))
        }
        return events
    }

    /// FiatToken's checks in its order and words; nil when the transfer would go through.
    private func objection(to call: TransferCall, at time: UInt64, _ signatures: SignatureCache) -> String? {
        let (authorization, now) = (call.authorization, UInt256(time))
        guard now > authorization.validAfter else { return "FiatTokenV2: authorization is not yet valid" }
        guard now < authorization.validBefore else { return "FiatTokenV2: authorization is expired" }
        guard self.uses[AuthorizationKey(account: authorization.from, nonce: authorization.nonce)] == nil else {
            return "FiatTokenV2: authorization is used or canceled"
        }
        guard signatures.isSigned(call) else { return "FiatTokenV2: invalid signature" }
        guard self.balance(of: authorization.from) >= authorization.value else {
            return "ERC20: transfer amount exceeds balance"
        }
        return nil
    }
}

/// What a contract says when it undoes what it did.
struct Revert: Error, Hashable, Sendable {
    let words: String
    init(_ words: String) { self.words = words }

    /// As `Error(string)`.
    var data: [UInt8] { ABI.encodeCall(Self.selector, [.string(self.words)]) }
    private static let selector = ABI.selector("Error(string)")
}

/// A call of `transferWithAuthorization`, in either form.
struct TransferCall: Hashable, Sendable {
    let authorization: EIP3009.Authorization
    let signature: [UInt8]

    init?(_ calldata: [UInt8]) {
        let shapes: [ABI.Shape]
        switch Array(calldata.prefix(4)) {
        case EIP3009.transferSelector: shapes = [ABI.Shape](repeating: .word, count: 9)
        case EIP3009.transferWithBytesSelector: shapes = [ABI.Shape](repeating: .word, count: 6) + [.bytes]
        default: return nil
        }
        guard let values = try? ABI.decode(shapes, from: Array(calldata.dropFirst(4))), let from = values[0].address,
            let to = values[1].address, let value = values[2].integer, let after = values[3].integer,
            let before = values[4].integer, let nonce = values[5].word
        else { return nil }
        self.authorization = EIP3009.Authorization(
            from: from, to: to, value: value, validAfter: after, validBefore: before, nonce: nonce)
        self.signature =
            values.count == 7
            ? values[6].bytes ?? []
            : (values[7].word?.bytes ?? []) + (values[8].word?.bytes ?? []) + (values[6].word?.bytes.suffix(1) ?? [])
    }

    var key: AuthorizationKey { AuthorizationKey(account: self.authorization.from, nonce: self.authorization.nonce) }
}

/// Recovers each signature once: it is the dearest thing a simulation does.
final class SignatureCache: Sendable {
    private let domain: EIP712.Domain
    private let known = Mutex<[TransferCall: Bool]>([:])

    init(chainID: UInt64, token: Address) {
        self.domain = EIP712.Domain(name: "USDC", version: "2", chainID: chainID, verifyingContract: token)
    }

    func isSigned(_ call: TransferCall) -> Bool {
        if let known = self.known.withLock({ $0[call] }) { return known }
        let digest = call.authorization.digest(self.domain)
        let isSigned = (try? RecoverableSignature(bytes: call.signature)?.signer(of: digest)) == call.authorization.from
        self.known.withLock { $0[call] = isSigned }
        return isSigned
    }
}
