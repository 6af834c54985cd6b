// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollRuntime

/// Requests of those who have paid before, and may still.
extension Gateway {
    /// What a request for a route brings in the way of a pass.
    func pass(in head: RequestHead, for route: RouteTable.Entry) -> PassReading {
        guard let passes = route.priced?.passes, passes.isPresented(by: head) else { return .none }
        return passes.reading(of: head, at: Int64(self.parts.environment.now()))
    }

    /// Whether a request has been answered by what it brings in the way of a pass: served, or refused. Neither ledger nor chain
    /// is asked, and a payment that stands beside a good pass is left as it is.
    func serve(
        by reading: PassReading, _ route: RouteTable.Entry, _ request: Request, _ served: ServedRequest,
        _ responder: inout Responder?
    ) async -> Bool {
        switch reading {
        case .none: return false
        case .expired:
            route.metrics.presentedPass(.expired)
            return false
        case .invalid(let reason):
            guard let responder = responder.take() else { return true }
            route.metrics.presentedPass(.invalid)
            self.log.info("pass refused", ["route": route.pattern, "client": request.clientIP, "reason": reason])
            await self.proxy.refuse(.invalidPass(reason), request.head, responder) {
                $0.append("WWW-Authenticate", #"Bearer error="invalid_token""#)
            }
            return true
        case .valid(let pass):
            // Only who had paid before gets past a pause, and gets that.
            guard !self.pauses.holds(route.pattern.description, isPriced: true), let responder = responder.take() else {
                return false
            }
            await self.serve(pass, route, request, served, responder)
            return true
        }
    }

    private func serve(
        _ pass: Pass, _ route: RouteTable.Entry, _ request: Request, _ served: ServedRequest, _ responder: consuming Responder
    ) async {
        served.presentsPass()
        RequestContext.current?.note(payment: pass.payment.description)
        guard !self.paidCalls.screening.isDenied(pass.payer) else {
            route.metrics.presentedPass(.denied)
            self.log.info("payer denied", ["route": route.pattern, "payer": pass.payer])
            await self.proxy.refuse(.payerDenied, request.head, responder)
            return
        }
        let verdict = await self.passLimits(of: route).admit(pass.payment.description)
        let proxy = self.proxy.telling(verdict)
        guard verdict.isAdmitted else {
            route.metrics.presentedPass(.limited)
            self.log.info("pass over a limit", ["route": route.pattern, "payment": pass.payment])
            await proxy.refuse(.rateLimited(verdict.retryAfterSeconds), request.head, responder)
            return
        }
        route.metrics.presentedPass(.admitted)
        await proxy.pass(request, by: pass, to: route.upstream, responder)
    }

    private func passLimits(of route: RouteTable.Entry) -> PayerLimits {
        guard let rates = route.rates, !rates.pass.isEmpty else { return .none }
        return PayerLimits(gate: self.parts.memory.rates, rules: rates.pass)
    }
}

extension Proxy {
    /// The same, whose answers say how the client stands to further limits.
    fileprivate func telling(_ verdict: RateVerdict) -> Proxy {
        guard !verdict.rules.isEmpty else { return self }
        var proxy = self
        proxy.rates = self.rates.joined(verdict)
        return proxy
    }
}

extension PaidCall {
    /// What is said of a payment whose answer is delivered: its receipt, and the pass that it buys.
    func grant(_ record: PaymentRecord, receipt: [(name: String, value: String)]) -> [(name: String, value: String)] {
        guard let passes = self.route.passes else { return receipt }
        return receipt
            + passes.fields(for: record, isBrowser: BrowserPage.isWanted(by: self.request.head), at: self.now)
    }
}
