// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol
internal import TollRuntime

/// Does what a ``TransferMachine`` decides, as far as it has to do with the chain, the journal and time.
struct TransferPursuit: Sendable {
    /// The payment, as it was when the pursuit began.
    let payment: JournaledPayment
    let hold: Journal.Hold
    let journal: Journal
    let chain: any TransferChain
    /// Who signed it; nil when that key is not there.
    let sender: (any TransferSender)?
    let client: any HTTPClient
    let environment: Environment
    let tell: @Sendable (String) -> Void

    /// Bytes of a status that are read.
    private static let statusSizeMax = 256 << 10

    private var network: ChainID { self.payment.terms.option.network }

    /// Takes a step and says what is next; nil for the steps that are not the chain's.
    func perform(_ action: TransferMachine.Action, _ machine: inout TransferMachine) async -> TransferMachine.Action? {
        switch action {
        case .send(let transfer):
            self.tell("sending transaction \(transfer.hash) on \(self.network)")
            let result = await self.chain.send(transfer, on: self.network)
            return machine.sent(result, at: self.environment.now())
        case .look(let transfers):
            let sighting = await self.chain.look(for: transfers, of: self.payment.terms.account, on: self.network)
            if case .mined(let mined) = sighting, machine.transaction != mined.hash {
                self.tell("transaction \(mined.hash) is in block \(mined.block)")
            }
            return machine.looked(sighting, at: self.environment.now())
        case .replace(let transfer, let isVoid):
            let result = await self.replace(transfer, isVoid: isVoid)
            return machine.replaced(result, at: self.environment.now())
        case .askStatus: return machine.told(await self.status())
        case .wait(let seconds, let why):
            self.tell("\(why); next look in \(seconds) s")
            do { try await self.environment.sleep(for: .seconds(Int64(clamping: seconds))) } catch {
                return .finish(.open(reason: "interrupted: \(why)"))
            }
            return machine.waited()
        case .prove, .finish: return nil
        }
    }

    /// What is signed is on disk before it is sent, in the place of another as at first.
    private func replace(_ transfer: SignedTransfer, isVoid: Bool) async -> TransferReplacement {
        guard let sender = self.sender else {
            return .impossible(reason: "the key of \(self.payment.terms.account) is not given")
        }
        let result = await sender.replacement(of: transfer, isVoid: isVoid, on: self.network)
        guard case .signed(let signed) = result else { return result }
        guard signed.number == transfer.number else { return .impossible(reason: "it was signed under another number") }
        do throws(JournalError) { try self.journal.markSigned(self.hold, signed, at: self.environment.now()) } catch {
            return .impossible(reason: "the journal: \(error)")
        }
        self.tell(isVoid ? "calling transaction \(transfer.hash) back" : "offering more gas than transaction \(transfer.hash)")
        return result
    }

    /// How far the reference is, as the seller says; nil when it says nothing.
    func status() async -> TransferProof.Status? {
        guard let instructions = self.payment.transfer?.instructions,
            let url = try? URLParts(
                parsing: "\(self.payment.terms.url.origin)/payments/\(instructions.reference.text)"),
            let response = try? await self.client.send(ClientRequest(.get, url, fields: ["Accept": "application/json"])),
            response.head.status == 200, let body = try? await response.body.collect(upTo: Self.statusSizeMax),
            let json = (try? JSON(parsing: body))?.object, let status = try? TransferProof.Status(json),
            status.reference == instructions.reference
        else { return nil }
        return status
    }
}
