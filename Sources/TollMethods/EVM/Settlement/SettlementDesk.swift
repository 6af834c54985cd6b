// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
internal import TollEVM
internal import TollPayments
internal import TollPrimitives
internal import TollRuntime

/// Why a step of a settlement was not taken.
enum SettlementTrouble: Error, Hashable {
    /// The chain says that it cannot be.
    case refused(PaymentRefusal)
    /// The chain or the ledger did not answer, or not now.
    case unavailable(String)
}

/// Signs transactions of one chain and has them in the ledger before anybody sends them (invariant I2).
struct SettlementDesk: Sendable {
    /// What moving nothing costs: the gas of any transaction.
    private static let voidGasLimit: UInt64 = 21_000

    let network: ExactEVMNetwork
    let signers: SignerPool
    let fees: FeeOracle
    let store: any PaymentStore
    let environment: Environment

    /// A call to be made.
    struct Draft: Hashable {
        let to: Address
        let data: [UInt8]
        let gasLimit: UInt64
    }

    private var now: Int64 { Int64(self.environment.now()) }

    private var chainID: UInt64 { self.network.chain.eip155 ?? 0 }

    /// Signs `draft` under the next number of the account whose turn it is, for payments that nothing was signed for. The ledger
    /// gives the number, in the write that holds the transaction and `events` of the payments.
    func sign(
        _ draft: Draft, by signer: SignerPool.Signer, for payments: [PaymentID], keeping events: [PaymentEvent] = []
    ) async throws(SettlementTrouble) -> [PaymentRecord] {
        let quote: FeeOracle.Quote
        let count: UInt64
        do throws(RPCError) {
            quote = try await self.fees.quote()
            count = try await self.signers.chainCount(of: signer.address) { () throws(RPCError) in
                try await self.network.client.ask(.transactionCount(of: signer.address, at: .pending))
            }
        } catch {
            throw .unavailable("the chain: \(error)")
        }
        let account = SignerAccount(network: self.network.chain, address: signer.address.description, chainCount: count)
        let chainID = self.chainID
        do throws(StoreError) {
            return try await self.store.sign(as: account, at: self.now) { number in
                let signed = Self.transaction(draft, quote, number: number, chainID: chainID).signed(by: signer.key)
                let event = PaymentEvent.signed(SettlementTransaction(signed, by: signer.address, isVoid: false))
                return payments.map { LedgerEntry($0, events + [event]) }
            }
        } catch {
            throw .unavailable("the ledger: \(error.reason)")
        }
    }

    /// A dearer transaction under the number of `held`, the same call or none at all.
    func replacement(of held: SettlementTransaction, isVoid: Bool) async throws(SettlementTrouble) -> SettlementTransaction {
        guard let address = Address(hex: held.signer), let signer = self.signers.signer(address),
            let old = try? SignedTransaction(raw: held.raw).transaction
        else { throw .unavailable("the key of \(held.signer) is not configured") }
        do throws(RPCError) {
            let offered = FeeOracle.Quote(
                maxFeePerGas: old.maxFeePerGas, maxPriorityFeePerGas: old.maxPriorityFeePerGas)
            guard let quote = try await self.fees.replacement(of: offered) else {
                throw .unavailable(
                    reason: "a dearer transaction is over the limit of \(self.network.limits.feePerGas) wei per gas",
                    mayHaveBeenDelivered: false)
            }
            let draft =
                isVoid ? try await self.void(address) : Draft(to: old.to ?? address, data: old.data, gasLimit: old.gasLimit)
            let transaction = Self.transaction(draft, quote, number: held.nonce, chainID: self.chainID)
            return SettlementTransaction(transaction.signed(by: signer.key), by: address, isVoid: isVoid)
        } catch {
            throw .unavailable("\(error)")
        }
    }

    /// Uses up a number that no transaction on disk has. It moves nothing, so that nothing is to be remembered.
    func fillGap(_ number: UInt64, of address: Address) async throws(SettlementTrouble) {
        guard let signer = self.signers.signer(address) else { throw .unavailable("the key of \(address) is not configured") }
        do throws(RPCError) {
            let draft = try await self.void(address)
            let transaction = Self.transaction(draft, try await self.fees.quote(), number: number, chainID: self.chainID)
            try await self.network.client.send(transaction.signed(by: signer.key).raw)
        } catch {
            throw .unavailable("\(error)")
        }
    }

    /// A call to itself with nothing in it. Where gas covers more than execution, the chain says how much it takes.
    private func void(_ address: Address) async throws(RPCError) -> Draft {
        let message = CallMessage(from: address, to: address, data: [])
        let estimate = (try? await self.network.client.ask(.gasEstimate(of: message))) ?? Self.voidGasLimit
        return Draft(to: address, data: [], gasLimit: min(max(estimate, Self.voidGasLimit), self.network.limits.gas))
    }

    private static func transaction(
        _ draft: Draft, _ quote: FeeOracle.Quote, number: UInt64, chainID: UInt64
    ) -> EIP1559Transaction {
        EIP1559Transaction(
            chainID: chainID,
            nonce: number,
            maxPriorityFeePerGas: min(quote.maxPriorityFeePerGas, quote.maxFeePerGas),
            maxFeePerGas: quote.maxFeePerGas,
            gasLimit: draft.gasLimit,
            to: draft.to,
            value: 0,
            data: draft.data
        )
    }
}

extension SettlementTransaction {
    fileprivate init(_ signed: SignedTransaction, by signer: Address, isVoid: Bool) {
        self.init(
            hash: signed.hash.description, raw: signed.raw, signer: signer.description, nonce: signed.transaction.nonce,
            isVoid: isVoid)
    }

    /// The most it offers for gas, in wei; nil when it was not written here.
    var maxFeePerGas: UInt256? { (try? SignedTransaction(raw: self.raw))?.transaction.maxFeePerGas }
}
