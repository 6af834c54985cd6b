// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// Health and readiness, for whoever runs the process.
struct AdminHandler: RequestHandler {
    private let store: any PaymentStore
    private let networks: [ExactEVMNetwork]
    private let token: Secret<String>?
    private let state: ProcessState

    init(_ assembly: Assembly, _ state: ProcessState) {
        self.store = assembly.store
        self.networks = assembly.networks
        self.token = assembly.configuration.admin?.token?.value
        self.state = state
    }

    func handle(_ request: Request, _ responder: consuming Responder) async {
        guard self.isAllowed(request) else {
            await Self.answer(401, ["error": "a bearer token is needed"], responder)
            return
        }
        let path = String(decoding: request.head.path, as: UTF8.self)
        guard request.head.method == .get || request.head.method == .head else {
            await Self.answer(405, ["error": "use GET"], responder)
            return
        }
        switch path {
        case "/health": await Self.answer(200, ["status": "ok"], responder)
        case "/ready": await self.ready(responder)
        default: await Self.answer(404, ["error": "no such page"], responder)
        }
    }

    private func isAllowed(_ request: Request) -> Bool {
        guard let token = self.token else { return true }
        guard let value = request.head.fields.first(.authorization) else { return false }
        return token.withExposed { constantTimeEquals(Array(value), Array("Bearer \($0)".utf8)) }
    }

    /// Whether the ledger and every chain answer, and signers have gas.
    private func ready(_ responder: consuming Responder) async {
        var problems: [JSON] = self.state.isDraining ? ["the process is stopping"] : []
        do throws(StoreError) { _ = try await self.store.records(PaymentQuery(since: .max, limit: 1)) } catch {
            problems.append("the ledger does not answer")
        }
        for network in self.networks {
            do throws(RPCError) {
                let chain = try await network.client.ask(.chainID)
                guard chain == network.chain.eip155 else {
                    problems.append(.string("\(network.chain): the node follows chain \(chain)"))
                    continue
                }
                for signer in network.signers?.addresses ?? [] where try await network.client.ask(.balance(of: signer)) == .zero {
                    problems.append(.string("\(network.chain): signer \(signer) has no gas"))
                }
            } catch {
                problems.append(.string("\(network.chain): no node answers"))
            }
        }
        await Self.answer(
            problems.isEmpty ? 200 : 503,
            [
                "status": problems.isEmpty ? "ready" : "not ready", "problems": .array(problems),
                "nodes": .array(self.networks.flatMap(Self.health)),
            ],
            responder)
    }

    /// How the nodes of a chain do, by their places in the configuration.
    private static func health(_ network: ExactEVMNetwork) -> [JSON] {
        network.client.health.map { node in
            [
                "network": .string("\(network.chain)"), "position": .integer(node.position), "failures": .integer(node.failures),
                "restingSeconds": .integer(Int(node.rest.components.seconds)),
            ]
        }
    }

    private static func answer(_ status: Int, _ body: JSONObject, _ responder: consuming Responder) async {
        let head = ResponseHead(status: status, fields: ["Content-Type": "application/json", "Cache-Control": "no-store"])
        try? await responder.send(head, body: JSON.object(body).utf8)
    }
}
