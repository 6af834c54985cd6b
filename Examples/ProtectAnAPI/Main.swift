// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollHTTP
import TollHTTPEngine
import TollPrimitives
import TollRuntime
import TollSeller

/// An API like any other: it knows nothing of payments but the name of who has paid.
struct Weather: RequestHandler {
    func handle(_ request: Request, _ responder: consuming Responder) async {
        let city = String(decoding: request.head.path.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
        let payer = request.head.fields.firstText("tollgate-payer") ?? "nobody"
        let body = JSON.object(["city": .string(city), "celsius": 15, "paidBy": .string(payer)])
        try? await responder.send(ResponseHead(status: 200, fields: ["Content-Type": "application/json"]), body: body.utf8)
    }
}

/// Sells it on a test network: `TOLLGATE_EVM_KEY=… ProtectAnAPI NODE_URL PAY_TO LEDGER_FILE PORT`.
@main struct Main {
    static func main() throws {
        let arguments = CommandLine.arguments
        let secret = try SecretSource.process.resolve(.environment("TOLLGATE_EVM_KEY"))
        guard arguments.count == 5, let port = UInt16(arguments[4]),
            let key = secret.withExposed({ Hex.decode($0).flatMap { PrivateKey(bytes: $0) } })
        else { return print("usage: TOLLGATE_EVM_KEY=… ProtectAnAPI NODE_URL PAY_TO LEDGER_FILE PORT") }

        try EventLoopGroup(count: 1).run {
            var seller = try Seller(
                on: ChainID(eip155: 84_532), node: arguments[1], key: key, payTo: arguments[2], ledger: arguments[3])
            try seller.giveAway("GET /health")
            try seller.sell("GET /weather/*", for: "$0.001", "Weather by city")
            try await seller.serve(Weather(), port: port)
        }
    }
}
