// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TollPrimitives
import TollProtocol

/// The known answers in `Tests/Vectors`, found from where this file was compiled.
enum Vectors {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
        path: "Vectors"
    )

    struct Header: Sendable, CustomTestStringConvertible {
        let header: String
        let type: String
        let value: String
        var testDescription: String { "\(self.header) \(self.value.prefix(40))" }
    }

    struct Example: Sendable, CustomTestStringConvertible {
        let type: String
        let name: String
        let text: String
        var testDescription: String { "\(self.type), \(self.name)" }
    }

    static let headers: [Header] = array("x402/headers.json").map { entry in
        Header(header: text(entry, "header"), type: text(entry, "type"), value: text(entry, "value"))
    }

    static let examples: [Example] = array("x402/examples.json").map { entry in
        Example(type: text(entry, "type"), name: text(entry, "name"), text: text(entry, "text"))
    }

    /// Reads an object as the type that a vector names, and gives back what that type kept of it.
    static func reread(_ json: JSONObject, as type: String) throws -> JSONObject {
        switch type {
        case "v1.PaymentRequired": try X402V1.PaymentRequired(json).json
        case "v1.PaymentPayload": try X402V1.PaymentPayload(json).json
        case "v1.FacilitatorRequest": try X402V1.FacilitatorRequest(json).json
        case "v2.PaymentRequired": try X402V2.PaymentRequired(json).json
        case "v2.PaymentPayload": try X402V2.PaymentPayload(json).json
        case "v2.FacilitatorRequest": try X402V2.FacilitatorRequest(json).json
        case "VerifyResponse": try VerifyResponse(json).json
        case "SettlementResponse": try SettlementResponse(json).json
        case "SupportedResponse": try SupportedResponse(json).json
        case "object": json
        default: throw UnknownType(name: type)
        }
    }

    struct UnknownType: Error { let name: String }

    static func array(_ file: String) -> [JSON] {
        guard let bytes = try? Data(contentsOf: folder.appending(path: file)), let json = try? JSON(parsing: bytes) else {
            preconditionFailure("Tests/Vectors/\(file) cannot be read.")
        }
        return json.array ?? json["files"]?.array ?? []
    }

    static func text(_ entry: JSON, _ name: String) -> String {
        entry[name]?.string ?? ""
    }
}

/// Values that several suites share.
enum Sample {
    static let usdc = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
    static let payee = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
    static let payer = "0x857b06519E91e3A54538791bDbb0E22373e36b66"
    static let nonce = "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480"
    static let chain = ChainID(eip155: 84532)

    static func requirements(extra: JSONObject? = ["name": "USDC", "version": "2"]) -> X402V2.PaymentRequirements {
        X402V2.PaymentRequirements(
            scheme: "exact",
            network: chain,
            asset: usdc,
            amount: 10000,
            payTo: payee,
            maxTimeoutSeconds: 300,
            extra: extra
        )
    }

    static func object(_ text: String) throws -> JSONObject {
        try PaymentHeader.decode(Base64.encode(Array(text.utf8)))
    }

    /// The error of reading, when there is one.
    static func error(_ read: () throws(WireError) -> Void) -> WireError? {
        do {
            try read()
            return nil
        } catch {
            return error
        }
    }
}
