// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime
import TollTestKit

/// A buyer's transfers on a chain.
@Suite struct TransferPayerTests {
    private static let key = PrivateKey(bytes: [UInt8](repeating: 5, count: 32))!
    private static let network = ChainID(eip155: 84_532)
    private static let seller = Address(hex: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C")!

    private let chain = SimulatedEVMChain { .seconds(1_772_366_400) }

    private func payer(feeLimit: UInt256 = 500_000_000_000) -> TransferPayer {
        var environment = Environment.failing
        environment.monotonic = { .zero }
        let chain = self.chain
        let nodes = TransferNodes { $0 == Self.network ? chain.client() : nil }
        return TransferPayer(Self.key, nodes: nodes, feeLimit: feeLimit, environment: environment)
    }

    private static func option(_ units: UInt256 = 1_000, network: ChainID = network) -> PaymentOption {
        let asset = Asset(
            network: network, address: SimulatedEVMChain.token.description, symbol: "USDC", decimals: 6, domainName: "USDC",
            domainVersion: "2")
        return PaymentOption(scheme: "transfer", asset: asset, amount: units, payTo: seller.description, maxTimeoutSeconds: 900)
    }

    private func quote() async throws -> TransferQuote {
        guard case .ready(let quote) = await self.payer().prospect(of: Self.option()) else {
            throw PaymentSigningError("no quote")
        }
        return quote
    }

    @Test func `a transfer is signed as wallets sign one, and a node takes it`() async throws {
        self.chain.mint(5_000, to: Self.key.address)
        let signed = try self.payer().sign(Self.option(), try await self.quote(), number: 0)
        let transaction = try SignedTransaction(raw: signed.raw)
        #expect(try transaction.sender() == Self.key.address && transaction.hash == signed.hash)
        #expect(transaction.transaction.data == ERC20.transfer(to: Self.seller, value: 1_000))
        #expect(transaction.transaction.to == SimulatedEVMChain.token && transaction.transaction.chainID == 84_532)
        #expect(self.chain.transactionCount == 0)
        #expect(await self.payer().send(signed, on: Self.network) == .accepted)
        #expect(self.chain.balance(of: Self.seller) == 1_000)
        guard case .mined(let mined) = await self.payer().look(for: [signed], of: self.payer().account, on: Self.network) else {
            Issue.record("it is not in a block")
            return
        }
        #expect(mined.hash == signed.hash && mined.succeeded && mined.depth == 1)
        #expect(await self.payer().send(signed, on: Self.network) == .numberUsed)
    }

    @Test func `what an account lacks is told in numbers`() async throws {
        self.chain.mint(999, to: Self.key.address)
        #expect(await self.payer().prospect(of: Self.option()) == .lacksToken(held: 999))
        self.chain.mint(1_000, to: Self.key.address)
        self.chain.fund(7, Self.key.address)
        guard case .lacksGas(let held, let needed) = await self.payer().prospect(of: Self.option()) else {
            Issue.record("seven wei are no gas")
            return
        }
        #expect(held == 7 && needed > 7)
    }

    @Test func `a node that follows another chain, is away, or has dear gas gives no quote`() async throws {
        self.chain.mint(1_000, to: Self.key.address)
        guard case .unknown = await self.payer(feeLimit: 1).prospect(of: Self.option()),
            case .unknown = await self.payer().prospect(of: Self.option(network: ChainID(eip155: 1)))
        else {
            Issue.record("a quote was given")
            return
        }
        self.chain.setFault { method, _ in method == "eth_chainId" ? .result("0x1") : nil }
        guard case .unknown(let reason) = await self.payer().prospect(of: Self.option()) else {
            Issue.record("another chain was not noticed")
            return
        }
        #expect(reason.contains("chain 1"))
    }

    @Test func `a token that refuses the transfer is told before anything is signed`() async throws {
        self.chain.mint(1_000, to: Self.key.address)
        self.chain.setFault { method, _ in
            method == "eth_estimateGas" ? .error(code: 3, message: "execution reverted: Blacklistable: account is blacklisted") : nil
        }
        guard case .refused(let reason) = await self.payer().prospect(of: Self.option()) else {
            Issue.record("it was not refused")
            return
        }
        #expect(reason.contains("blacklisted"))
    }

    @Test func `what takes a transfer's place has its number and offers an eighth more, void or not`() async throws {
        self.chain.mint(5_000, to: Self.key.address)
        let signed = try self.payer().sign(Self.option(), try await self.quote(), number: 3)
        let old = try SignedTransaction(raw: signed.raw).transaction
        for isVoid in [false, true] {
            guard case .signed(let other) = await self.payer().replacement(of: signed, isVoid: isVoid, on: Self.network) else {
                Issue.record("there is none")
                return
            }
            let new = try SignedTransaction(raw: other.raw).transaction
            #expect(other.number == 3 && new.nonce == 3 && other.isVoid == isVoid)
            #expect(new.maxFeePerGas.quotientAndRemainder(dividingBy: 9).quotient >= old.maxFeePerGas.quotientAndRemainder(dividingBy: 8).quotient)
            #expect(isVoid ? new.to == Self.key.address && new.data.isEmpty : new.to == old.to && new.data == old.data)
        }
        guard case .impossible = await self.payer(feeLimit: old.maxFeePerGas).replacement(of: signed, isVoid: false, on: Self.network)
        else {
            Issue.record("the limit was passed")
            return
        }
    }

    @Test func `a number that another transaction has is lost once that lies deep, and not before`() async throws {
        self.chain.mint(5_000, to: Self.key.address)
        let signed = try self.payer().sign(Self.option(), try await self.quote(), number: 0)
        self.chain.useNumber(of: Self.key.address)
        for _ in 0..<TransferNodes.settledDepth {
            #expect(await self.payer().look(for: [signed], of: self.payer().account, on: Self.network) == .waiting)
            self.chain.mine()
        }
        #expect(await self.payer().look(for: [signed], of: self.payer().account, on: Self.network) == .displaced)
    }

    @Test func `a proof is the same for the same transfer`() throws {
        let reference = try #require(TransferProof.Reference(bytes: [UInt8](repeating: 1, count: 16)))
        let hash = Keccak256.hash(text: "a transfer")
        let proof = try #require(self.payer().proof(of: hash, for: reference, on: Self.network))
        #expect(proof == self.payer().proof(of: hash, for: reference, on: Self.network))
        #expect(proof.recoveredSender == Self.key.address && proof.chainID == 84_532)
        let other = try #require(ChainID("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"))
        #expect(self.payer().proof(of: hash, for: reference, on: other) == nil)
    }
}
