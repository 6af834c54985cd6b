// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol

extension Market {
    /// Signs what gateways ask for.
    static let instructionsKey = key(60)
    static let instructionsSigner = instructionsKey.address
    /// Has nothing, and signs what it finds.
    static let transferThief = Account(key(41))
    /// The root key of BIP-32's first test vector.
    static let series = [
        "eip155":
            "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
    ]
}

/// A counter at which somebody asks and shows, by hand.
struct TransferCounter: Sendable {
    /// What an answer says to who pays by transfers.
    struct Answer: Sendable {
        let status: Int
        let instructions: TransferProof.Instructions?
        let reason: String?
        /// What has not arrived, in the token's smallest unit.
        let missing: UInt256?
    }

    private static let names = TransferProof.proofFields

    let client: SimulatedHTTPClient
    let isPost: Bool
    let dice: Dice

    /// What a call at `path` costs; nil when it was not said.
    func ask(_ path: String) async -> TransferProof.Instructions? {
        guard let instructions = await self.send(path, nil)?.instructions else { return nil }
        self.client.web.observer.note { events, _ in
            events.asked.append(
                AskedReference(
                    reference: instructions.reference.digest, asker: self.client.asker, time: self.client.process.executor.now,
                    instructions: instructions))
            if instructions.authorship != .signed(Market.instructionsSigner) {
                events.misleading.append("\(self.client.asker) was asked for money, and nobody had signed for it")
            }
        }
        return instructions
    }

    /// Shows a proof, in any of its forms; nil when no answer came.
    func show(_ proof: TransferProof.Proof, at path: String) async -> Answer? {
        let value = self.dice.happens(perMille: 500) ? proof.fieldValue : JSON.object(proof.json).text
        return await self.send(path, (self.dice.pick(Self.names), value))
    }

    /// How far a reference is said to be; nil when nothing was said.
    func status(of reference: TransferProof.Reference) async -> TransferProof.Status? {
        let request = ClientRequest(
            .get, Self.origin, target: Array("/payments/\(reference.text)".utf8), fields: Fields(), body: .none,
            deadline: .seconds(30))
        guard let answer = try? await self.client.send(request), answer.head.status == 200,
            let body = try? await answer.body.collect(upTo: .max)
        else { return nil }
        return (try? JSON(parsing: body))?.object.flatMap { try? TransferProof.Status($0) }
    }

    private static let origin = Origin(scheme: .https, host: Market.host)

    private func send(_ path: String, _ field: (name: String, value: String)?) async -> Answer? {
        var fields = Fields()
        if let field { fields.append(field.name, field.value) }
        let request = ClientRequest(
            self.isPost ? .post : .get, Self.origin, target: Array(path.utf8), fields: fields,
            body: self.isPost ? .bytes(Array("{}".utf8)) : .none, deadline: .seconds(60))
        guard let answer = try? await self.client.send(request), let body = try? await answer.body.collect(upTo: .max) else {
            return nil
        }
        let json = answer.head.status == 402 ? (try? JSON(parsing: body))?.object ?? [:] : [:]
        return Answer(
            status: answer.head.status,
            instructions: try? TransferProof.Instructions(extensions: json["extensions"]?.object),
            reason: (json["reason"] ?? json["code"])?.string, missing: json["missing"]?.string.flatMap { UInt256(decimal: $0) })
    }
}
