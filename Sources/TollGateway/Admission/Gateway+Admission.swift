// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollRuntime

extension Gateway {
    /// Whether a route takes no requests for now. Whoever paid before the pause gets what it paid for.
    func isPaused(_ route: RouteTable.Entry, for head: RequestHead) async -> Bool {
        guard self.pauses.holds(route.pattern.description, isPriced: route.priced != nil) else { return false }
        return await !self.isPaidBefore(route, head)
    }

    @inline(never)
    private func isPaidBefore(_ route: RouteTable.Entry, _ head: RequestHead) async -> Bool {
        guard let priced = route.priced, case .credential(let credential) = priced.credential(in: head, orOf: []).reading else {
            return false
        }
        return await self.paidCalls.isKnown(credential)
    }

    /// Shadow mode: says what would have become of a request, which is let pass. Nothing is claimed, and nothing charged.
    func shadow(_ priced: PricedRoute, _ request: Request) async {
        let (result, detail) = await self.fate(of: request.head, priced)
        self.parts.metrics.shadowed(priced.pattern.description, result: result)
        let isServed = result == "paid"
        self.log.info(
            isServed ? "shadow mode: would be served" : "shadow mode: would be refused",
            ["route": priced.pattern, "client": request.clientIP, "reason": result, "detail": detail])
    }

    private func fate(of head: RequestHead, _ priced: PricedRoute) async -> (result: String, detail: String) {
        switch priced.credential(in: head, orOf: []).reading {
        case .none: return ("payment_required", "")
        case .malformed(let field, let reason): return ("malformed_credential", "\(field): \(reason)")
        case .mismatched(let refusal): return (refusal.reason, refusal.detail)
        case .credential(let credential):
            guard let method = self.parts.methods.first(where: { $0.takes(credential.option) }) else {
                return ("unavailable", "no method takes the option")
            }
            switch await self.paidCalls.verify(credential, by: method, freshness: .now) {
            case .valid: return ("paid", "")
            case .invalid(let refusal, _, _): return (refusal.reason, refusal.detail)
            case .processing(let state): return (state.reason, state.detail)
            case .unavailable(let reason): return ("unavailable", reason)
            }
        }
    }
}
