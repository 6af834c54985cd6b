// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime

/// `tollgate check --pay`: buys from every priced route of a running gateway as a stranger would, several times at once, and
/// presents one of the payments again: with its secret, which must give the same answer, and without, which must give none.
struct PayCheck {
    /// Calls of a route at once.
    private static let callCount = 3
    /// A payment may wait for its settlement.
    private static let deadline: Duration = .seconds(90)
    /// An answer is read so far.
    private static let byteCountMax = 16 << 20
    /// Back-dated by as much as the SDKs do: clocks differ.
    private static let backdateSeconds: UInt64 = 600

    let configuration: Configuration
    let client: any HTTPClient
    let payer: ExactEVMPayer
    let environment: Environment

    /// What became of a route.
    struct Row {
        let route: String
        let price: String
        var calls = "-"
        var retry = "-"
        var replay = "-"
        var problem = ""

        var cells: [String] { [self.route, self.price, self.calls, self.retry, self.replay, self.problem] }
    }

    /// The networks that it would pay real money on, or what may be: each with the place where it is configured.
    var mainnets: [Configuration.Network] {
        let offered = Set(self.configuration.routes.flatMap { $0.options.map(\.network) })
        return self.configuration.networks.filter { offered.contains($0.id) && $0.isTestnet != true }
    }

    /// Buys from every priced route, one after the other.
    func rows(onRow: (Row) -> Void = { _ in }) async -> [Row] {
        var rows: [Row] = []
        for route in self.configuration.routes where !route.isFree {
            let row = await self.check(route)
            onRow(row)
            rows.append(row)
        }
        return rows
    }

    static func table(_ rows: [Row]) -> String {
        var table = TextTable(["route", "price", "calls", "retry", "replay", "problem"])
        for row in rows { table.add(row.cells) }
        return table.text
    }

    private struct Problem: Error {
        let reason: String
    }

    /// A payment that was presented, and the answer to it.
    private struct Purchase {
        let credential: JSONObject
        let status: Int
        let body: [UInt8]
        let transaction: String?
    }

    private func check(_ route: Configuration.Route) async -> Row {
        let price = route.options.first.map {
            "\(DecimalAmount(units: $0.amount, decimals: $0.asset.decimals)) \($0.asset.symbol)"
        }
        var row = Row(route: route.pattern.description, price: price ?? "")
        guard route.dialects.contains(.x402) else {
            row.problem = "not offered in x402 version 2, which this check pays in"
            return row
        }
        let call = Call(route, self.configuration)
        let purchases = await withTaskGroup(of: Result<Purchase, Problem>.self) { group in
            for _ in 0..<Self.callCount { group.addTask { await self.buy(call, route) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let good = purchases.compactMap { try? $0.get() }
        row.calls = "\(good.count)/\(Self.callCount)"
        for case .failure(let problem) in purchases { row.problem = problem.reason }
        guard let first = good.first, good.count == Self.callCount else { return row }
        do throws(Problem) {
            let again = try await self.present(first.credential, call)
            row.retry = try self.verdict(again, after: first, route)
            let replayed = try await self.present(Self.withoutSecrets(first.credential), call)
            guard replayed.status == 409 else {
                throw Problem(reason: "a replay without its secret is answered \(replayed.status)")
            }
            row.replay = "refused"
        } catch { row.problem = error.reason }
        return row
    }

    /// What the payment gives when it is presented again by the one who made it.
    private func verdict(_ again: Purchase, after first: Purchase, _ route: Configuration.Route) throws(Problem) -> String {
        // Beside another proxy leave to pass is given once.
        let isGivenOnce = self.configuration.auth != nil
        if again.status < 400 {
            guard !isGivenOnce else { throw Problem(reason: "the same payment let pass twice") }
            if let transaction = again.transaction, let before = first.transaction, transaction != before, !before.isEmpty {
                throw Problem(reason: "the same payment was charged twice: \(before) and \(transaction)")
            }
            return again.body == first.body ? "same answer" : "called again"
        }
        let isRepeatable = route.isIdempotent || route.pattern.method == .get || route.pattern.method == .head
        let mayBeRefused = (!route.storesAnswers || route.settle.policy == .deferred) && !isRepeatable
        guard again.status == 409, mayBeRefused || isGivenOnce else {
            throw Problem(reason: "the same payment again is answered \(again.status)")
        }
        return "refused"
    }

    private func buy(_ call: Call, _ route: Configuration.Route) async -> Result<Purchase, Problem> {
        do throws(Problem) {
            let asked = try await self.send(call, credential: nil)
            guard asked.head.status == 402, let field = asked.head.fields.firstText("payment-required") else {
                throw Problem(reason: "unpaid it is answered \(asked.head.status), not 402")
            }
            let purchase = try await self.present(try self.pay(field, route), call)
            guard purchase.status < 400 else { throw Problem(reason: "paid it is answered \(purchase.status)") }
            guard purchase.transaction != nil else { throw Problem(reason: "paid it has no receipt of a success") }
            return .success(purchase)
        } catch { return .failure(error) }
    }

    /// Signs the first option of a challenge that the route has.
    private func pay(_ field: String, _ route: Configuration.Route) throws(Problem) -> JSONObject {
        let required: X402V2.PaymentRequired
        do throws(WireError) { required = try X402V2.PaymentRequired(headerValue: field) } catch {
            throw Problem(reason: "the challenge cannot be read: \(error)")
        }
        for accepted in required.accepts {
            guard
                let own = route.options.first(where: {
                    $0.network == accepted.network && $0.asset.address == accepted.asset && $0.amount == accepted.amount
                })
            else { continue }
            let option = PaymentOption(
                asset: Assembly.asset(own.asset, on: own.network), amount: own.amount, payTo: own.payTo,
                maxTimeoutSeconds: accepted.maxTimeoutSeconds)
            let now = self.environment.now()
            guard let nonce = Bytes32(self.environment.randomBytes(32)) else { continue }
            do throws(PaymentSigningError) {
                let payload = try self.payer.sign(
                    option,
                    AuthorizationValidity(
                        validAfter: now - Self.backdateSeconds, validBefore: now + UInt64(accepted.maxTimeoutSeconds),
                        nonce: nonce))
                var credential: JSONObject = ["x402Version": .integer(X402Version.v2.rawValue)]
                credential["resource"] = required.resource.map { .object($0.json) }
                credential["accepted"] = .object(accepted.json)
                credential["payload"] = .object(payload)
                credential["extensions"] =
                    (route.identifiers == .required
                    ? X402V2.PaymentIdentifier.adding(
                        X402V2.PaymentIdentifier.make(self.environment.randomBytes(16)), to: required.extensions)
                    : required.extensions).map(JSON.object)
                return credential
            } catch { throw Problem(reason: error.description) }
        }
        throw Problem(reason: "its challenge offers nothing that is configured")
    }

    /// What everybody can read on the chain.
    private static func withoutSecrets(_ credential: JSONObject) -> JSONObject {
        var (credential, accepted) = (credential, credential["accepted"]?.object ?? [:])
        var extra = accepted["extra"]?.object ?? [:]
        extra[X402V2.PaymentRequirements.challengeMember] = nil
        accepted["extra"] = .object(extra)
        credential["accepted"] = .object(accepted)
        guard var extensions = credential["extensions"]?.object, var entry = extensions[X402V2.PaymentIdentifier.name]?.object,
            var info = entry["info"]?.object, info["id"] != nil
        else { return credential }
        info["id"] = .string(X402V2.PaymentIdentifier.make(Array(repeating: 0x5A, count: 16)))
        entry["info"] = .object(info)
        extensions[X402V2.PaymentIdentifier.name] = .object(entry)
        credential["extensions"] = .object(extensions)
        return credential
    }

    private func present(_ credential: JSONObject, _ call: Call) async throws(Problem) -> Purchase {
        let answer = try await self.send(call, credential: PaymentHeader.encode(credential))
        let receipt = answer.head.fields.firstText("payment-response").flatMap { try? PaymentHeader.decode($0) }
        let isSuccess = receipt?["success"]?.bool == true
        do throws(HTTPError) {
            return Purchase(
                credential: credential, status: answer.head.status, body: try await answer.body.collect(upTo: Self.byteCountMax),
                transaction: isSuccess ? receipt?["transaction"]?.string : nil)
        } catch { throw Problem(reason: "its answer cannot be read: \(error)") }
    }

    private func send(_ call: Call, credential: String?) async throws(Problem) -> ClientResponse {
        var fields: Fields = ["Accept": "application/json", "User-Agent": "tollgate check"]
        if let credential { fields.append("PAYMENT-SIGNATURE", credential) }
        if call.body != nil { fields.append("Content-Type", "application/json") }
        var request = ClientRequest(
            call.method, call.origin, target: call.target, fields: fields, body: call.body.map { .bytes($0) } ?? .none)
        (request.deadline, request.bodyIdle) = (Self.deadline, Self.deadline)
        do throws(HTTPError) { return try await self.client.send(request) } catch {
            throw Problem(reason: "the gateway does not answer: \(error)")
        }
    }
}

/// A request that a route's pattern matches: by its examples, and `1` where it has none.
struct Call: Sendable {
    let method: TollHTTP.Method
    let origin: Origin
    let target: [UInt8]
    let body: [UInt8]?

    init(_ route: Configuration.Route, _ configuration: Configuration) {
        let input = route.listing?.input
        self.method = route.pattern.method ?? (input?.body == nil ? .get : .post)
        let url = configuration.publicURL
        self.origin = Origin(
            scheme: url.isSecure ? .https : .http, host: url.host.filter { $0 != "[" && $0 != "]" }, port: UInt16(url.port))
        let path = route.pattern.example { name in
            let example = input?.path[name]?["example"]
            return example?.string ?? example?.text
        }
        let query = (input?.query.members ?? []).compactMap { name, schema in
            schema["example"].map { "\(PercentText.encode(name))=\(PercentText.encode($0.string ?? $0.text))" }
        }
        self.target = Array((query.isEmpty ? path : "\(path)?\(query.joined(separator: "&"))").utf8)
        self.body = ["POST", "PUT", "PATCH"].contains(self.method.token) ? (input?.body?["example"] ?? [:]).utf8 : nil
    }
}
