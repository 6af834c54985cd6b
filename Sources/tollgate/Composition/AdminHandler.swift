// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollGateway
import TollHTTP
import TollMethods
import TollPrimitives
import TollRuntime

/// Health, readiness, metrics and the operator's interface, for whoever runs the process.
struct AdminHandler: RequestHandler {
    private static let bodyByteCountMax = 16 << 10

    private let networks: [ExactEVMNetwork]
    private let token: Secret<String>?
    private let watch: ProcessWatch
    private let interface: AdminInterface

    /// - Parameter token: Asked of whoever comes, where there is one.
    init(networks: [ExactEVMNetwork], token: Secret<String>?, gateway: Gateway?, _ watch: ProcessWatch, log: Logger) {
        self.networks = networks
        self.token = token
        self.watch = watch
        self.interface = AdminInterface(gateway: gateway, watch, log)
    }

    func handle(_ request: Request, _ responder: consuming Responder) async {
        if let refusal = self.refusal(of: request) {
            await Self.answer(refusal, responder)
            return
        }
        let path = String(decoding: request.head.path, as: UTF8.self)
        if path == "/metrics", request.head.method != .post {
            var head = ResponseHead(status: 200, fields: ["Cache-Control": "no-store"])
            head.fields.append("Content-Type", MetricsRegistry.mediaType)
            try? await responder.send(head, body: Array(self.watch.metrics.text().utf8))
            return
        }
        await Self.answer(await self.answer(request, path), responder)
    }

    private func answer(_ request: Request, _ path: String) async -> AdminAnswer {
        switch (request.head.method, path) {
        case (.get, "/health"), (.head, "/health"): return AdminAnswer(200, ["status": "ok"])
        case (.get, "/ready"), (.head, "/ready"): return await self.ready()
        case (.get, _), (.head, _): return await self.interface.get(path)
        case (.post, _):
            guard let body = try? await request.body.collect(upTo: Self.bodyByteCountMax) else {
                return AdminAnswer(400, ["error": "the body cannot be read"])
            }
            return self.interface.post(path, body)
        default: return AdminAnswer(405, ["error": "use GET, or POST where something is done"])
        }
    }

    /// Why a request is not for us; nil when it is.
    ///
    /// Without a token whoever reaches the listener may ask, and browsers reach loopback for any page: so the name that was
    /// called must be this machine's, and a page of another origin must not be behind it.
    private func refusal(of request: Request) -> AdminAnswer? {
        if let token = self.token {
            let value = request.head.fields.first(.authorization) ?? []
            let isRight = token.withExposed { constantTimeEquals(Array(value), Array("Bearer \($0)".utf8)) }
            return isRight ? nil : AdminAnswer(401, ["error": "a bearer token is needed"])
        }
        // Health checks of HTTP/1.0 name no host; browsers do.
        guard let host = request.head.authority.map({ String(decoding: $0, as: UTF8.self) }) else { return nil }
        guard HostName.isLoopback(HostName.splitPort(host)?.host ?? host) else {
            return AdminAnswer(403, ["error": "call it by 127.0.0.1, [::1] or localhost, or configure a token"])
        }
        let own = ["http://\(host)", "https://\(host)"]
        if let origin = request.head.fields.firstText(.origin), !own.contains(origin) {
            return AdminAnswer(403, ["error": "a page of another origin is behind this request"])
        }
        return nil
    }

    /// Whether the ledger and every chain answer, signers have gas, and requests are taken.
    private func ready() async -> AdminAnswer {
        let problems = await self.interface.problems()
        return AdminAnswer(
            problems.isEmpty ? 200 : 503,
            [
                "status": problems.isEmpty ? "ready" : "not ready", "problems": .array(problems.map(JSON.string)),
                "nodes": .array(self.networks.flatMap(Self.health)),
            ])
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

    private static func answer(_ answer: AdminAnswer, _ responder: consuming Responder) async {
        let head = ResponseHead(
            status: answer.status, fields: ["Content-Type": "application/json", "Cache-Control": "no-store"])
        try? await responder.send(head, body: JSON.object(answer.body).utf8)
    }
}
