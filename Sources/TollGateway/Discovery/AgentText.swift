// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives

/// `/llms.txt` (llmstxt.org): what is here, what it costs and how to pay, in the fewest words that an agent needs.
struct AgentText {
    let text: String

    init(_ discovery: Discovery, publicURL: Origin, resources: [ListedResource]) {
        var lines = ["# \(discovery.title)", ""]
        if !discovery.description.isEmpty { lines += ["> \(discovery.description)", ""] }
        let (priced, free) = (resources.filter { $0.sale != nil }, resources.filter { $0.sale == nil })
        if !priced.isEmpty {
            lines += [
                "Requests marked with a price are paid for one by one with a stablecoin, by x402: no account and no key.",
                "Ask without paying and the answer is 402, with the price in `PAYMENT-REQUIRED` and in the body; sign it, and",
                "send the same request again with the payment in `PAYMENT-SIGNATURE`. `toll get URL`, or any x402 client, does",
                "both.", "",
                "## Paid", "",
            ]
            lines += priced.map(Self.line)
            lines.append("")
        }
        if !free.isEmpty { lines += ["## Free", ""] + free.map(Self.line) + [""] }
        lines += [
            "## Formats", "", "- [OpenAPI](\(publicURL)\(DiscoveryDocuments.Kind.openAPI.rawValue)): parameters, bodies, prices",
            "- [x402 resources](\(publicURL)\(DiscoveryDocuments.Kind.resources.rawValue)): what is asked for each", "",
        ]
        self.text = lines.joined(separator: "\n")
    }

    private static func line(_ resource: ListedResource) -> String {
        var line = "- [\(resource.method) \(resource.path)](\(resource.url))"
        let prices = (resource.sale?.offer.options ?? []).map { "\($0.display) on \($0.network)" }
        if let price = prices.first { line += ": " + price + prices.dropFirst().map { " or \($0)" }.joined() }
        if let seconds = resource.accessSeconds { line += ", for \(seconds) s" }
        if !resource.description.isEmpty { line += prices.isEmpty ? ": \(resource.description)" : ". \(resource.description)" }
        return line
    }
}
