// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollGateway
import TollPayments
import TollPrimitives
import TollRuntime

/// An answer of the admin listener.
struct AdminAnswer: Hashable {
    let status: Int
    let body: JSONObject

    init(_ status: Int, _ body: JSONObject) {
        self.status = status
        self.body = body
    }
}

/// What an operator asks of the running process and has it do: `/api/v1/…`.
struct AdminInterface: Sendable {
    private let gateway: Gateway?
    private let watch: ProcessWatch
    private let log: Logger

    init(gateway: Gateway?, _ watch: ProcessWatch, _ log: Logger) {
        self.gateway = gateway
        self.watch = watch
        self.log = log
    }

    /// Why requests cannot be paid for now; none when they can.
    func problems() async -> [String] {
        var problems = await self.watch.readiness.standing().problems
        if self.watch.state.isStarting { problems.append("the process is starting") }
        if self.watch.state.isDraining { problems.append("the process is stopping") }
        if self.gateway?.pauses.isEverything == true { problems.append("everything that has a price is paused") }
        return problems
    }

    /// Answers a GET.
    func get(_ path: String) async -> AdminAnswer {
        switch path {
        case "/api/v1/status": return await self.status()
        case "/api/v1/routes": return AdminAnswer(200, ["routes": .array(self.routes)])
        case "/api/v1/pause", "/api/v1/resume": return AdminAnswer(405, ["error": "use POST"])
        default: return AdminAnswer(404, ["error": "no such page"])
        }
    }

    /// Carries out a POST.
    func post(_ path: String, _ body: [UInt8]) -> AdminAnswer {
        switch path {
        case "/api/v1/pause", "/api/v1/resume":
            guard let gateway = self.gateway else { return AdminAnswer(409, ["error": "no gateway runs in this process"]) }
            let route: String?
            switch self.route(named: body, of: gateway) {
            case .success(let named): route = named
            case .failure(let refusal): return refusal.answer
            }
            let isPause = path.hasSuffix("pause")
            if isPause { gateway.pauses.pause(route) } else { gateway.pauses.resume(route) }
            self.log.warning(isPause ? "paused" : "resumed", ["route": route ?? "all that have a price"])
            return AdminAnswer(
                200,
                [
                    "paused": .bool(gateway.pauses.isEverything), "routes": .array(self.routes),
                    "note": "holds for this process until it ends",
                ])
        case "/api/v1/status", "/api/v1/routes", "/health", "/ready": return AdminAnswer(405, ["error": "use GET"])
        default: return AdminAnswer(404, ["error": "no such page"])
        }
    }

    private struct Refusal: Error {
        let answer: AdminAnswer
    }

    /// The route that a body names: `{"route": "GET /weather/*"}`; nil, for all, when it names none.
    private func route(named body: [UInt8], of gateway: Gateway) -> Result<String?, Refusal> {
        guard !body.isEmpty else { return .success(nil) }
        guard let object = (try? JSON(parsing: body))?.object else {
            return .failure(Refusal(answer: AdminAnswer(400, ["error": "the body is no JSON object"])))
        }
        guard let route = object["route"], route != .null else { return .success(nil) }
        let patterns = gateway.routes.map(\.pattern)
        guard let pattern = route.string, patterns.contains(pattern) else {
            let known = JSON.array(patterns.map(JSON.string))
            return .failure(Refusal(answer: AdminAnswer(404, ["error": "no such route", "routes": known])))
        }
        return .success(pattern)
    }

    private func status() async -> AdminAnswer {
        let problems = await self.problems()
        let reading = await self.watch.gauges.reading()
        var body: JSONObject = [
            "version": .string(Main.version), "ready": .bool(problems.isEmpty),
            "problems": .array(problems.map(JSON.string)),
            "draining": .bool(self.watch.state.isDraining), "paused": .bool(self.gateway?.pauses.isEverything ?? false),
            "configuration": [
                "takenUpAt": .integer(self.watch.reloads.takenUpAt), "isLastTakenUp": .bool(self.watch.reloads.isLastTakenUp),
            ],
            "signers": .array(await self.watch.readiness.standing().signers.map(Self.json)),
            "routes": .array(self.routes),
        ]
        if let reading {
            var underWay: JSONObject = [:]
            for phase in LedgerGauges.underWay { underWay[phase.rawValue] = .integer(reading.counts[phase] ?? 0) }
            body["underWay"] = .object(underWay)
            body["exposure"] = [
                "microdollars": .integer(reading.exposure), "limit": .integer(self.watch.reloads.exposureLimit),
            ]
        }
        return AdminAnswer(200, body)
    }

    private static func json(_ signer: Readiness.Signer) -> JSON {
        var object: JSONObject = [
            "network": .string(signer.network.description), "address": .string(signer.address.description),
            "balance": .string(DecimalAmount(units: UInt256(signer.balance), decimals: 9).description),
        ]
        if case .seconds(let seconds) = signer.lasting { object["daysLeft"] = .integer(seconds / 86_400) }
        return .object(object)
    }

    private var routes: [JSON] {
        (self.gateway?.routes ?? []).map { route in
            var object: JSONObject = [
                "match": .string(route.pattern), "upstream": .string(route.upstream),
                "prices": .array(route.prices.map(JSON.string)), "paused": .bool(route.isPaused),
            ]
            if let settle = route.settle {
                object["settle"] = .string(settle)
                object["enforce"] = .bool(route.isEnforced)
            }
            return .object(object)
        }
    }
}
