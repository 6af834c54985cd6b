// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPayments
import TollPrimitives
import TollProtocol
import TollTestKit

@testable import TollMethods

/// What verification says, at the level of JSON-RPC.
@Suite struct ExactEVMVerifierTests {
    private static let factory = Address(hex: "0x00000000000000000000000000000000000Fac70")!
    private static let wallet = Address(hex: "0x000000000000000000000000000000000000a11e")!

    @Test func `a plain account's payment is valid`() async {
        let stand = ExactStand()
        guard case .valid(let payment) = await stand.verify() else {
            Issue.record("refused")
            return
        }
        #expect(payment.payer == ExactStand.payer.address.description)
        #expect(payment.unusedAtBlock == 1_000)
        #expect(payment.validBefore == ExactStand.now + 120)
        #expect(stand.chain.methods == ["eth_getBlockByNumber", "eth_getCode", "eth_call", "eth_getCode"])
        _ = await stand.verify(ExactStand.payload(nonce: 2))
        #expect(stand.chain.methods.count == 7)  // That the asset has code is asked once.
    }

    @Test func `another signer is named beside the expected one, whatever the chain thinks`() async {
        let stand = ExactStand()
        stand.chain.setFault { method, _ in method == "eth_call" ? .result("0x") : nil }
        let stranger = PrivateKey(bytes: [UInt8](repeating: 8, count: 32))!
        let refusal = await stand.refusal(ExactStand.payload(key: stranger))
        #expect(refusal?.reason == "invalid_exact_evm_payload_signature")
        #expect(refusal?.detail == "expected signer \(ExactStand.payer.address), recovered \(stranger.address)")
    }

    @Test(arguments: [1, 64, 66, 128])
    func `a signature of another size without a wallet to check it is a wallet that does not exist`(size: Int) async {
        let refusal = await ExactStand().refusal(ExactStand.payload(signature: [UInt8](repeating: 1, count: size)))
        #expect(refusal?.reason == "invalid_exact_evm_payload_undeployed_smart_wallet")
    }

    @Test(arguments: [[0x60, 0x80], [0xEF, 0x01, 0x00] + [UInt8](repeating: 5, count: 20)])
    func `contracts and delegated accounts are asked by simulation alone`(code: [UInt8]) async {
        let stand = ExactStand()
        stand.chain.deploy(code, at: ExactStand.payer.address) { $0 == [1, 2, 3] }
        let good = await stand.verify(ExactStand.payload(signature: [1, 2, 3]))
        guard case .valid = good else {
            Issue.record("\(good)")
            return
        }
        #expect(
            await stand.refusal(ExactStand.payload(nonce: 2, signature: [9]))?.reason == "invalid_exact_evm_payload_signature"
        )
        // A key's signature is nothing to a contract that does not take it.
        #expect(await stand.refusal(ExactStand.payload(nonce: 3))?.reason == "invalid_exact_evm_payload_signature")
    }

    // MARK: - ERC-6492

    private static func wrapped(factory: Address = factory, calldata: [UInt8] = [0xDE]) -> [UInt8] {
        ABI.encode([.address(factory), .bytes(calldata), .bytes([1, 2, 3])])
            + [UInt8]((0..<32).map { $0.isMultiple(of: 2) ? 0x64 : 0x92 })
    }

    @Test func `a wallet yet to be deployed needs an allowed factory, and is tried as it will be settled`() async {
        let refused = await ExactStand().refusal(ExactStand.payload(from: Self.wallet, signature: Self.wrapped()))
        #expect(refused?.reason == "eip6492_factory_not_allowed")
        #expect(refused?.detail.contains("\(Self.factory)") == true)

        let stand = ExactStand(factories: [Self.factory])
        let seen = Recorder()
        stand.chain.setFault { method, params in
            if method == "eth_call", params.first?["to"]?.string == Multicall3.address.lowercaseHex {
                seen.note(params.first?["data"]?.string ?? "")
                return .result("0x")
            }
            return method == "eth_call" ? .error(code: 3, message: "execution reverted") : nil
        }
        guard case .valid = await stand.verify(ExactStand.payload(from: Self.wallet, signature: Self.wrapped())) else {
            Issue.record("refused")
            return
        }
        #expect(seen.notes.count == 1 && seen.notes[0].contains(String(Self.factory.lowercaseHex.dropFirst(2))))
    }

    @Test func `a wrapper without a factory, without a call, or that is not its ABI is refused`() async {
        let stand = ExactStand(factories: [Self.factory, .zero])
        for (signature, reason) in [
            (Self.wrapped(factory: .zero), "invalid_exact_evm_payload_undeployed_smart_wallet"),
            (Self.wrapped(calldata: []), "invalid_exact_evm_payload_undeployed_smart_wallet"),
            (Array(Self.wrapped().suffix(40)), "invalid_exact_evm_payload_signature"),
        ] {
            #expect(await stand.refusal(ExactStand.payload(from: Self.wallet, signature: signature))?.reason == reason)
        }
    }

    @Test func `a wallet that was deployed meanwhile is asked with the inner signature`() async {
        let stand = ExactStand(factories: [Self.factory])
        stand.chain.mint(1_000, to: Self.wallet)
        stand.chain.deploy([0x60], at: Self.wallet) { $0 == [1, 2, 3] }
        guard case .valid = await stand.verify(ExactStand.payload(from: Self.wallet, signature: Self.wrapped())) else {
            Issue.record("refused")
            return
        }
    }

    // MARK: - What the token says

    @Test(arguments: [
        ("FiatTokenV2: authorization is expired", "invalid_exact_evm_payload_authorization_valid_before"),
        ("AuthorizationExpired()", "invalid_exact_evm_payload_authorization_valid_before"),
        ("FiatTokenV2: authorization is not yet valid", "invalid_exact_evm_payload_authorization_valid_after"),
        ("FiatTokenV2: authorization is used or canceled", "invalid_exact_evm_nonce_already_used"),
        ("ERC20: transfer amount exceeds balance", "invalid_exact_evm_insufficient_balance"),
        ("ERC20InsufficientBalance(1,2)", "invalid_exact_evm_insufficient_balance"),
        ("FiatTokenV2: invalid signature", "invalid_exact_evm_payload_signature"),
        ("SignerMismatch()", "invalid_exact_evm_payload_signature"),
        ("InvalidSignatureV()", "invalid_exact_evm_payload_signature"), ("Pausable: paused", nil), ("", nil),
    ])
    func `the words of tokens have standard reasons`(words: String, reason: String?) {
        #expect(ExactEVMVerifier.reason(forRevert: words)?.rawValue == reason)
    }

    @Test func `a revert without known words is looked into, in this order`() async throws {
        let (state, name, version) = (
            Hex.encodePrefixed(EIP3009.authorizationStateCalldata(authorizer: .zero, nonce: .zero).prefix(4)),
            Hex.encodePrefixed(ERC20.name), Hex.encodePrefixed(ERC20.version)
        )
        let transfer = Hex.encodePrefixed(EIP3009.transferSelector)
        typealias Fault = SimulatedEVMChain.Fault
        func text(_ text: String) -> Fault { .result(.string(Hex.encodePrefixed(ABI.encode([.string(text)])))) }
        let yes = Fault.result(.string(UInt256(1).word.description))
        // Each finding hides those behind it.
        var faults: [String: Fault] = [transfer: .error(code: 3, message: "execution reverted", data: "0x")]
        func reason(_ stand: ExactStand) async -> String? {
            let faults = faults
            stand.chain.setFault { method, params in
                guard method == "eth_call", let data = params.first?["data"]?.string else { return nil }
                return faults.first { data.hasPrefix($0.key) }?.value
            }
            return await stand.refusal()?.reason
        }
        let stand = ExactStand()
        #expect(await reason(stand) == "invalid_exact_evm_transaction_simulation_failed")
        stand.chain.mint(999, to: ExactStand.payer.address)
        #expect(await reason(stand) == "invalid_exact_evm_insufficient_balance")
        faults[version] = text("1")
        #expect(await reason(stand) == "invalid_exact_evm_token_version_mismatch")
        faults[name] = text("USD Coin")
        #expect(await reason(stand) == "invalid_exact_evm_token_name_mismatch")
        faults[state] = yes
        #expect(await reason(stand) == "invalid_exact_evm_nonce_already_used")
        faults[state] = .result("0x")
        #expect(await reason(stand) == "invalid_exact_evm_eip3009_not_supported")
        faults[state] = .error(code: 3, message: "execution reverted")
        #expect(await reason(stand) == "invalid_exact_evm_eip3009_not_supported")
    }

    @Test func `an asset without code is no asset`() async {
        let stand = ExactStand()
        stand.chain.setFault { method, params in
            method == "eth_getCode" && params.first?.string == SimulatedEVMChain.token.lowercaseHex ? .result("0x") : nil
        }
        #expect(await stand.refusal()?.reason == "asset_not_deployed_contract")
    }

    // MARK: - What nobody says

    @Test(arguments: ["eth_getBlockByNumber", "eth_getCode", "eth_call"])
    func `a node's fault is never the payer's`(method: String) async {
        for fault in [
            SimulatedEVMChain.Fault.error(code: -32603, message: "internal error"), .error(code: -32005, message: "rate limit"),
            .error(code: -32000, message: "header not found"), .result(.null), .result("nonsense"), .result([]),
        ] {
            let stand = ExactStand()
            stand.chain.setFault { asked, _ in asked == method ? fault : nil }
            guard case .unavailable = await stand.verify() else {
                Issue.record("\(method) with \(fault) is a verdict")
                continue
            }
        }
    }

    @Test func `nor is a fault while a revert is looked into`() async {
        let stand = ExactStand()
        stand.chain.mint(0, to: ExactStand.payer.address)
        let transfer = Hex.encodePrefixed(EIP3009.transferSelector)
        stand.chain.setFault { method, params in
            guard method == "eth_call" else { return nil }
            return params.first?["data"]?.string?.hasPrefix(transfer) == true
                ? .error(code: 3, message: "execution reverted", data: "0x") : .error(code: -32603, message: "internal error")
        }
        guard case .unavailable = await stand.verify() else {
            Issue.record("a verdict")
            return
        }
    }

    @Test(arguments: [SimulatedEVMChain.Weather.down, .slow, .garbage("{}"), .garbage("not JSON")])
    func `nor is the network's`(weather: SimulatedEVMChain.Weather) async {
        let stand = ExactStand()
        stand.chain.weather = weather
        guard case .unavailable = await stand.verify() else {
            Issue.record("a verdict")
            return
        }
    }
}
