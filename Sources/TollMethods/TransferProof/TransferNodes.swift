// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollEVM
public import TollPayments
public import TollPrimitives
public import TollProtocol

/// EVM chains as a buyer of transfers sees them.
public struct TransferNodes: TransferChain, InstructionsReader {
    /// A number that is used up in a block that lies under so many others is so for good. Deeper than any reorganisation of a
    /// public chain in years; short of finality, which some nodes do not tell.
    public static let settledDepth: UInt64 = 12

    private let clients: @Sendable (ChainID) -> EVMClient?

    /// - Parameter clients: The nodes of a chain; nil when there are none.
    public init(clients: @escaping @Sendable (ChainID) -> EVMClient?) {
        self.clients = clients
    }

    func client(of network: ChainID) -> EVMClient? { network.eip155 == nil ? nil : self.clients(network) }

    public func author(of instructions: TransferProof.Instructions) -> InstructionsAuthor {
        switch instructions.authorship {
        case .unsigned: .nobody
        case .signed(let account): .account(account.description)
        case .notByKey(let account, _): .notBy(account.description)
        case .malformed: .malformed
        }
    }

    public func reaches(_ network: ChainID) -> Bool { self.client(of: network) != nil }

    public func send(_ transfer: SignedTransfer, on network: ChainID) async -> TransferSending {
        guard let client = self.client(of: network) else { return .unknown(reason: "there is no node of \(network)") }
        do throws(RPCError) {
            try await client.send(transfer.raw)
            return .accepted
        } catch {
            switch error {
            case .rejected(_, _, .nonceTooLow): return .numberUsed
            case .rejected(_, _, .underpriced), .rejected(_, _, .replacementUnderpriced):
                return .underpriced(reason: "\(error)")
            case .rejected, .revert: return .refused(reason: "\(error)")
            case .unavailable: return .unknown(reason: "\(error)")
            }
        }
    }

    public func look(
        for transfers: [SignedTransfer], of account: String, on network: ChainID
    ) async -> TransferSighting {
        guard let client = self.client(of: network) else { return .unknown(reason: "there is no node of \(network)") }
        guard let account = Address(hex: account), let number = transfers.first?.number else {
            return .unknown(reason: "\(account) is no account")
        }
        do throws(RPCError) {
            var isUsed = false
            for transfer in transfers {
                // Of one node, so that what its count says is mined has a receipt there.
                let (head, count, found) = await client.ask(
                    .blockNumber, .transactionCount(of: account, at: .latest), .receipt(of: transfer.hash))
                if let receipt = try found.get() {
                    let newest = max(try head.get(), receipt.blockNumber)
                    return .mined(
                        TransferSighting.Mined(
                            hash: transfer.hash, block: receipt.blockNumber, depth: newest - receipt.blockNumber + 1,
                            succeeded: receipt.succeeded))
                }
                isUsed = try count.get() > number
            }
            guard isUsed else { return .waiting }
            return try await self.isDisplaced(transfers, number, of: account, client) ? .displaced : .waiting
        } catch {
            return .unknown(reason: "\(error)")
        }
    }

    /// Whether the number was used up ``settledDepth`` blocks ago, and by none of these.
    private func isDisplaced(
        _ transfers: [SignedTransfer], _ number: UInt64, of account: Address, _ client: EVMClient
    ) async throws(RPCError) -> Bool {
        let head = try await client.ask(.blockNumber)
        guard head >= Self.settledDepth else { return false }
        for transfer in transfers {
            let (count, found) = await client.ask(
                .transactionCount(of: account, at: .number(head - Self.settledDepth)), .receipt(of: transfer.hash))
            guard try count.get() > number, try found.get() == nil else { return false }
        }
        return true
    }
}
