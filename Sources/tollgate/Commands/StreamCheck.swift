// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTP
import TollRuntime

/// Looks for routes whose upstream sends events though the answers are held until they are paid for: nobody would see the first
/// event before the last.
struct StreamCheck {
    /// An upstream that is not there yet is no fault of the configuration, and not waited for.
    private static let timeout = Duration.seconds(3)

    let configuration: Configuration
    let client: any HTTPClient

    /// Prints what it finds. Asks by HEAD, which does nothing, and only for paths that can be known: those without wildcards.
    func printFindings() async {
        for route in self.configuration.routes where !route.isFree && route.settle.holdsAnswers {
            guard route.pattern.isLiteral, route.pattern.takes(.get), await self.sendsEvents(route) else { continue }
            let finding = self.configuration.finding(
                .warning, at: route.place,
                "its upstream sends events (`text/event-stream`), which are held until they are paid for",
                remedy: "write `settle: before`, or `settle: {then: deferred, else: before}`")
            StandardStreams.writeError("\(finding)\n")
        }
    }

    private func sendsEvents(_ route: Configuration.Route) async -> Bool {
        guard let configured = self.configuration.upstream(named: route.upstreamName),
            let upstream = try? Assembly.upstream(configured)
        else { return false }
        var request = ClientRequest(
            .head, upstream.addresses[0].origin, target: Array(route.pattern.path.utf8), fields: ["User-Agent": "tollgate check"],
            deadline: Self.timeout)
        request.security = upstream.security
        guard let answer = try? await self.client.send(request) else { return false }
        return answer.head.fields.firstText(.contentType)?.lowercased().hasPrefix("text/event-stream") ?? false
    }
}
