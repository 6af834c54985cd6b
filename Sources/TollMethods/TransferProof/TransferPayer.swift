// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
internal import TollEVM
public import TollPayments
public import TollPrimitives
public import TollProtocol
public import TollRuntime

/// Pays by transfers of ERC-20 tokens from the account of a key, which also pays their gas.
public struct TransferPayer: TransferSender {
    /// No transfer may use more gas: a plain one of a token takes about 65,000.
    private static let gasMax: UInt64 = 500_000
    /// What moving nothing costs: the gas of any transaction.
    private static let voidGas: UInt64 = 21_000

    /// The address, with EIP-55's checksum.
    public let account: String
    private let address: Address
    private let key: PrivateKey
    private let nodes: TransferNodes
    private let feeLimit: UInt256
    private let environment: Environment

    /// Pays with `key`.
    ///
    /// - Parameter feeLimit: The most that is offered for a unit of gas, in wei.
    public init(_ key: PrivateKey, nodes: TransferNodes, feeLimit: UInt256, environment: Environment = .live) {
        self.key = key
        self.address = key.address
        self.account = key.address.description
        self.nodes = nodes
        self.feeLimit = feeLimit
        self.environment = environment
    }

    public func reaches(_ network: ChainID) -> Bool { self.nodes.reaches(network) }

    public func send(_ transfer: SignedTransfer, on network: ChainID) async -> TransferSending {
        await self.nodes.send(transfer, on: network)
    }

    public func look(
        for transfers: [SignedTransfer], of account: String, on network: ChainID
    ) async -> TransferSighting {
        await self.nodes.look(for: transfers, of: account, on: network)
    }

    public func objection(to option: PaymentOption) -> String? {
        do throws(PaymentSigningError) {
            _ = try self.parties(of: option)
            return nil
        } catch {
            return error.description
        }
    }

    public func prospect(of option: PaymentOption) async -> TransferProspect {
        guard let client = self.nodes.client(of: option.network) else {
            return .unknown(reason: "there is no node of \(option.network)")
        }
        do throws(PaymentSigningError) {
            let (chain, token, payee) = try self.parties(of: option)
            do throws(RPCError) {
                return try await self.prospect(option, chain, token, payee, client)
            } catch {
                return .unknown(reason: "\(error)")
            }
        } catch {
            return .refused(reason: error.description)
        }
    }

    private func prospect(
        _ option: PaymentOption, _ chain: UInt64, _ token: Address, _ payee: Address, _ client: EVMClient
    ) async throws(RPCError) -> TransferProspect {
        let (followed, tokens, coins, count) = await client.ask(
            .chainID, .call(CallMessage(to: token, data: ERC20.balance(of: self.address))), .balance(of: self.address),
            .transactionCount(of: self.address, at: .pending))
        guard try followed.get() == chain else {
            return .unknown(reason: "the node follows chain \(try followed.get()), not \(chain)")
        }
        let held = ABI.integer(returned: try tokens.get()) ?? .zero
        guard held >= option.amount else { return .lacksToken(held: held) }
        let fees = try await self.oracle(client).quote()
        let estimate: UInt64
        do throws(RPCError) {
            let message = CallMessage(from: self.address, to: token, data: ERC20.transfer(to: payee, value: option.amount))
            estimate = try await client.ask(.gasEstimate(of: message))
        } catch {
            switch error {
            case .revert: return .refused(reason: "the token refuses it: \(error.revertReason ?? "\(error)")")
            // Nodes refuse to estimate what an account without the chain's coin cannot pay for.
            case .rejected(_, _, .insufficientFunds): estimate = Self.gasMax
            default: throw error
            }
        }
        let gas = min(estimate + estimate / 4, Self.gasMax)
        let (coin, cost) = (try coins.get(), fees.maxFeePerGas.multiplied(by: gas) ?? .max)
        guard coin >= cost else { return .lacksGas(held: coin, needed: cost) }
        return .ready(
            TransferQuote(
                gas: gas, feePerGas: fees.maxFeePerGas, tipPerGas: min(fees.maxPriorityFeePerGas, fees.maxFeePerGas),
                nextNumber: try count.get()))
    }

    public func sign(
        _ option: PaymentOption, _ quote: TransferQuote, number: UInt64
    ) throws(PaymentSigningError) -> SignedTransfer {
        let (chain, token, payee) = try self.parties(of: option)
        return self.signed(
            EIP1559Transaction(
                chainID: chain, nonce: number, maxPriorityFeePerGas: quote.tipPerGas, maxFeePerGas: quote.feePerGas,
                gasLimit: quote.gas, to: token, data: ERC20.transfer(to: payee, value: option.amount)),
            isVoid: false)
    }

    public func replacement(
        of transfer: SignedTransfer, isVoid: Bool, on network: ChainID
    ) async -> TransferReplacement {
        guard let client = self.nodes.client(of: network) else {
            return .impossible(reason: "there is no node of \(network)")
        }
        guard let held = try? SignedTransaction(raw: transfer.raw), (try? held.sender()) == self.address,
            held.transaction.chainID == network.eip155
        else { return .impossible(reason: "it was signed by another key than that of \(self.account)") }
        var transaction = held.transaction
        do throws(RPCError) {
            let offered = FeeOracle.Quote(
                maxFeePerGas: transaction.maxFeePerGas, maxPriorityFeePerGas: transaction.maxPriorityFeePerGas)
            guard let quote = try await self.oracle(client).replacement(of: offered) else {
                return .impossible(reason: "a dearer one is over the limit of \(self.feeLimit) wei per unit of gas")
            }
            transaction.maxFeePerGas = quote.maxFeePerGas
            transaction.maxPriorityFeePerGas = min(quote.maxPriorityFeePerGas, quote.maxFeePerGas)
        } catch {
            return .impossible(reason: "\(error)")
        }
        if isVoid {
            transaction.to = self.address
            transaction.data = []
            let message = CallMessage(from: self.address, to: self.address, data: [])
            let estimate = (try? await client.ask(.gasEstimate(of: message))) ?? Self.voidGas
            transaction.gasLimit = min(max(estimate, Self.voidGas), Self.gasMax)
        }
        return .signed(self.signed(transaction, isVoid: isVoid))
    }

    public func proof(
        of transaction: Bytes32, for reference: TransferProof.Reference, on network: ChainID
    ) -> TransferProof.Proof? {
        network.eip155.map { .signed(txHash: transaction, chainID: $0, reference: reference, key: self.key) }
    }

    private func oracle(_ client: EVMClient) -> FeeOracle {
        FeeOracle(client: client, limit: self.feeLimit, setting: "--max-fee-gwei", environment: self.environment)
    }

    private func signed(_ transaction: EIP1559Transaction, isVoid: Bool) -> SignedTransfer {
        let signed = transaction.signed(by: self.key)
        return SignedTransfer(hash: signed.hash, raw: signed.raw, number: transaction.nonce, isVoid: isVoid)
    }

    private func parties(
        of option: PaymentOption
    ) throws(PaymentSigningError) -> (UInt64, token: Address, payee: Address) {
        guard let chain = option.network.eip155 else { throw PaymentSigningError("\(option.network) is no EVM chain") }
        let token = try ExactEVMPayer.address(option.asset.address, "asset")
        let payee = try ExactEVMPayer.address(option.payTo, "recipient")
        guard payee != .zero else { throw PaymentSigningError("recipient is the zero address, from which nothing comes back") }
        guard payee != token else { throw PaymentSigningError("recipient is the token itself, which returns nothing") }
        guard payee != self.address else { throw PaymentSigningError("recipient is the paying account itself") }
        return (chain, token, payee)
    }
}
