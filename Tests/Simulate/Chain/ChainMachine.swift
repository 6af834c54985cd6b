// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPrimitives

/// Executes transactions on a state: the token, `Multicall3`, and accounts without code.
struct ChainMachine: Sendable {
    struct Outcome {
        var result: Result<[UInt8], Revert>
        var events: [TokenState.Event]
    }

    static let token = Address(hex: "0x036CbD53842c5426634e7929541eC2318f3dCF7e") ?? .zero
    static let chainID: UInt64 = 84_532
    /// Gas of a transaction before anything is called (Yellow Paper, G_transaction).
    static let intrinsicGas: UInt64 = 21_000
    /// What one transfer by authorization takes on top.
    private static let transferGas: UInt64 = 65_000

    private static let aggregate3 = ABI.selector("aggregate3((address,bool,bytes)[])")
    private static let tryAggregate = ABI.selector("tryAggregate(bool,(address,bytes)[])")
    private static let authorizationState = Array(
        EIP3009.authorizationStateCalldata(authorizer: .zero, nonce: .zero).prefix(4))
    private static let transfer = Array(ERC20.transfer(to: .zero, value: .zero).prefix(4))
    private static let balanceOf = Array(ERC20.balance(of: .zero).prefix(4))

    let signatures = SignatureCache(chainID: chainID, token: token)

    /// Runs a transaction; what reverts leaves the state as it was.
    func execute(_ transaction: ChainTransaction, on state: inout TokenState, at time: UInt64, firstLog: Int) -> ChainReceipt {
        var next = state
        let outcome: Outcome
        let gas: UInt64
        switch transaction.action {
        case .call(let to, let data):
            gas = self.gas(to: to, data)
            outcome =
                gas > transaction.gasLimit
                ? Outcome(result: .failure(Revert("out of gas")), events: [])
                : self.call(to, data, from: transaction.sender, on: &next, at: time)
        case .cancel(let nonce):
            gas = 60_000
            outcome = Self.outcome(next.cancel(AuthorizationKey(account: transaction.sender, nonce: nonce)))
        case .pay(let to, let value):
            gas = 60_000
            outcome = Self.outcome(next.pay(value, from: transaction.sender, to: to))
        case .payAll(let payees):
            gas = 30_000 + 30_000 * UInt64(payees.count)
            outcome = Self.payAll(payees, from: transaction.sender, on: &next)
        }
        let isGood = if case .success = outcome.result { true } else { false }
        if isGood { state = next }
        let logs = (isGood ? outcome.events : []).enumerated().map { index, event in
            ChainReceipt.Entry(address: Self.token, topics: event.topics, data: event.data, index: UInt64(firstLog + index))
        }
        return ChainReceipt(transaction: transaction, isGood: isGood, gasUsed: min(gas, transaction.gasLimit), logs: logs)
    }

    private static func outcome(_ result: Result<[TokenState.Event], Revert>) -> Outcome {
        switch result {
        case .success(let events): Outcome(result: .success([]), events: events)
        case .failure(let revert): Outcome(result: .failure(revert), events: [])
        }
    }

    private static func payAll(_ payees: [ChainAction.Payee], from sender: Address, on state: inout TokenState) -> Outcome {
        var events: [TokenState.Event] = []
        for payee in payees {
            switch state.pay(payee.value, from: sender, to: payee.to) {
            case .success(let made): events += made
            case .failure(let revert): return Outcome(result: .failure(revert), events: [])
            }
        }
        return Outcome(result: .success([]), events: events)
    }

    /// A call and all calls in it.
    func call(_ to: Address, _ data: [UInt8], from sender: Address, on state: inout TokenState, at time: UInt64) -> Outcome {
        if to == Multicall3.address { return self.aggregate(data, on: &state, at: time) }
        guard to == Self.token else { return Outcome(result: .success([]), events: []) }
        switch Array(data.prefix(4)) {
        case ERC20.name: return Outcome(result: .success(ABI.encode([.string("USDC")])), events: [])
        case ERC20.version: return Outcome(result: .success(ABI.encode([.string("2")])), events: [])
        case ERC20.decimals: return Outcome(result: .success(UInt256(6).word.bytes), events: [])
        case Self.balanceOf:
            let account = Bytes32(data.dropFirst(4)).flatMap { Address($0) } ?? .zero
            return Outcome(result: .success(state.balance(of: account).word.bytes), events: [])
        case Self.authorizationState:
            guard let values = try? ABI.decode([.word, .word], from: Array(data.dropFirst(4))), let account = values[0].address,
                let nonce = values[1].word
            else { return Outcome(result: .failure(Revert("")), events: []) }
            let isUsed = state.uses[AuthorizationKey(account: account, nonce: nonce)] != nil
            return Outcome(result: .success(UInt256(isUsed ? 1 : 0).word.bytes), events: [])
        case Self.transfer:
            guard let values = try? ABI.decode([.word, .word], from: Array(data.dropFirst(4))), let payee = values[0].address,
                let units = values[1].integer
            else { return Outcome(result: .failure(Revert("")), events: []) }
            return Self.outcome(state.pay(units, from: sender, to: payee))
        default:
            guard let transfer = TransferCall(data) else { return Outcome(result: .failure(Revert("")), events: []) }
            return Self.outcome(state.transfer(transfer, at: time, self.signatures))
        }
    }

    private struct InnerCall {
        let target: Address
        let data: [UInt8]
        let mayFail: Bool
    }

    private func aggregate(_ data: [UInt8], on state: inout TokenState, at time: UInt64) -> Outcome {
        var events: [TokenState.Event] = []
        var results: [ABI.Value] = []
        for call in Self.innerCalls(data) ?? [] {
            var next = state
            let outcome = self.call(call.target, call.data, from: Multicall3.address, on: &next, at: time)
            switch outcome.result {
            case .success(let returned):
                state = next
                events += outcome.events
                results.append(.tuple([.bool(true), .bytes(returned)]))
            case .failure(let revert):
                guard call.mayFail else {
                    return Outcome(result: .failure(Revert("Multicall3: call failed")), events: [])
                }
                results.append(.tuple([.bool(false), .bytes(revert.data)]))
            }
        }
        return Outcome(result: .success(ABI.encode([.array(results)])), events: events)
    }

    private static func innerCalls(_ data: [UInt8]) -> [InnerCall]? {
        let arguments = Array(data.dropFirst(4))
        switch Array(data.prefix(4)) {
        case self.aggregate3:
            return (try? ABI.decode([.array(.tuple([.word, .word, .bytes]))], from: arguments))?[0].elements?.compactMap {
                guard let members = $0.elements, let target = members[0].address, let mayFail = members[1].bool,
                    let data = members[2].bytes
                else { return nil }
                return InnerCall(target: target, data: data, mayFail: mayFail)
            }
        case self.tryAggregate:
            guard let values = try? ABI.decode([.word, .array(.tuple([.word, .bytes]))], from: arguments),
                let isRequired = values[0].bool
            else { return nil }
            return values[1].elements?.compactMap {
                guard let members = $0.elements, let target = members[0].address, let data = members[1].bytes else { return nil }
                return InnerCall(target: target, data: data, mayFail: !isRequired)
            }
        default: return nil
        }
    }

    /// The transfers that a call makes or tries to make, those within a batch included.
    static func transfers(in data: [UInt8], to: Address) -> [TransferCall] {
        if to == Multicall3.address {
            return (self.innerCalls(data) ?? []).flatMap { self.transfers(in: $0.data, to: $0.target) }
        }
        return to == self.token ? TransferCall(data).map { [$0] } ?? [] : []
    }

    /// What a call takes, its transaction included.
    func gas(to: Address, _ data: [UInt8]) -> UInt64 {
        Self.intrinsicGas + Self.transferGas * UInt64(Self.transfers(in: data, to: to).count)
    }
}
