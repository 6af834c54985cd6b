// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime

/// `toll budget`: what today has cost, and how much room there is.
enum BudgetCommand {
    private static let isJSON = Parameter.flag("json", help: "One JSON object on standard output.")

    static func command() -> Command {
        Command(
            "budget",
            summary: "Shows what today (UTC) has cost.",
            subcommands: [
                Command("show", summary: "Shows spending and limits, reservations included.", parameters: [isJSON]) {
                    try self.show(isJSON: $0.has(isJSON))
                }
            ]
        )
    }

    private static func show(isJSON: Bool) throws -> ExitCode {
        let payments = try Home().journal.payments()
        let now = Environment.live.now()
        let budget = Budget()
        let origins = Set(payments.map(\.terms.url.origin)).sorted { $0.description < $1.description }
        let rows = origins.map { ($0, Journal.spending(payments, at: $0, now)) }.filter { $0.1.atOrigin > Dollars(0) }
        let inAll = rows.first?.1.inAll ?? Dollars(0)
        guard !isJSON else {
            let entries = rows.map { origin, spent in
                self.json(["origin": .string(origin.description)], spent: spent.atOrigin, limit: budget.perOrigin)
            }
            let object = self.json(["window": "day"], spent: inAll, limit: budget.perDay)
            StandardStreams.writeOutput(
                JSON.object([
                    "total": object, "origins": .array(entries), "perCall": .string(PurchasePolicy.defaultLimit.description),
                ]).text
                    + "\n"
            )
            return .success
        }
        var table = TextTable(["TODAY (UTC)", "SPENT", "LEFT", "LIMIT"], alignments: [.left, .right, .right, .right])
        func add(_ name: String, _ spent: Dollars, _ limit: Dollars) {
            table.add([name, "\(spent)", "\(limit.subtracting(spent))", "\(limit)"])
        }
        for (origin, spent) in rows { add(origin.description, spent.atOrigin, budget.perOrigin) }
        add("in all", inAll, budget.perDay)
        StandardStreams.writeOutput(table.text)
        return .success
    }

    private static func json(_ first: JSONObject, spent: Dollars, limit: Dollars) -> JSON {
        var object = first
        object["spent"] = .string(spent.description)
        object["left"] = .string(limit.subtracting(spent).description)
        object["limit"] = .string(limit.description)
        return .object(object)
    }
}
