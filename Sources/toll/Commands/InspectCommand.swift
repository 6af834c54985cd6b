// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollHTTP
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime

/// `toll inspect`: what a server asks for, in every dialect, and what is wrong with it. Pays nothing and needs no key.
enum InspectCommand {
    private static let url = Parameter.argument("url", help: "What to ask for.")
    private static let isJSON = Parameter.flag("json", help: "One JSON object on standard output.")

    /// Bytes of a 402's body that are read.
    private static let bodySizeMax = 1 << 20

    static func command(_ client: any HTTPClient) -> Command {
        Command(
            "inspect",
            summary: "Shows what a server asks for, and what is wrong with it.",
            discussion: "Ends with 0 when all is well, 1 when something is wrong, 30 when there is no answer.",
            parameters: [url, RequestOptions.method, RequestOptions.header, RequestOptions.data, isJSON]
        ) { try await self.run($0, client) }
    }

    private static func run(_ arguments: Arguments, _ client: any HTTPClient) async throws -> ExitCode {
        let request = try RequestOptions.request(arguments, url: arguments.value(url) ?? "")
        let unpaid = ClientRequest(
            request.method,
            request.url,
            fields: request.fields,
            body: request.body.map { .bytes($0) } ?? .none
        )
        do throws(HTTPError) {
            let response = try await client.send(unpaid)
            let body = (try? await response.body.collect(upTo: self.bodySizeMax)) ?? []
            let now = Environment.live.now()
            func inspect(_ signers: ListedSigners?) -> OfferInspection {
                OfferInspection(
                    response.head, body: body, from: request.url, .known, at: now,
                    reader: ChainNodes(client: client).transfers, signers: signers)
            }
            var inspection = inspect(nil)
            if case .needsList = inspection.transfer?.trust {
                inspection = inspect(await .fetch(request.url.origin, client))
            }
            self.show(inspection, status: response.head.status, isJSON: arguments.has(isJSON))
            return inspection.findings.isEmpty ? .success : .failure
        } catch {
            StandardStreams.writeError("Error: no answer: \(EscapedText.singleLine(error.reason))\n")
            return ExitCode(rawValue: 30)
        }
    }

    private static func show(_ inspection: OfferInspection, status: Int, isJSON: Bool) {
        guard !isJSON else {
            let object: JSON = [
                "status": .integer(status), "offers": .array(inspection.rows.map(self.json)),
                "schemes": .array(inspection.schemes.map(JSON.string)), "findings": .array(inspection.findings.map(JSON.string)),
                "transfer": inspection.transfer.map(self.json) ?? .null,
            ]
            StandardStreams.writeOutput(object.text + "\n")
            return
        }
        var table = TextTable(
            ["DIALECT", "AMOUNT", "UNITS", "NETWORK", "ASSET", "PAY TO", "TIMEOUT", "FLOW"],
            alignments: [.left, .right, .right, .left, .left, .left, .right, .left]
        )
        for row in inspection.rows {
            let offered = row.review.offered
            table.add([
                row.dialect, row.review.option?.display ?? "?", offered.amount.description, self.network(row), offered.asset,
                offered.payTo, "\(offered.maxTimeoutSeconds)s", self.flow(row),
            ])
        }
        if !inspection.rows.isEmpty { StandardStreams.writeOutput(table.text) }
        if let transfer = inspection.transfer { self.show(transfer) }
        if !inspection.schemes.isEmpty {
            let schemes = inspection.schemes.map(EscapedText.singleLine).joined(separator: ", ")
            StandardStreams.writeOutput("WWW-Authenticate: \(schemes)\n")
        }
        for finding in inspection.findings { StandardStreams.writeOutput("! \(EscapedText.singleLine(finding))\n") }
    }

    private static func show(_ transfer: OfferInspection.Transfer) {
        let instructions = transfer.review.offer.instructions
        let seconds = Int64(clamping: transfer.review.option?.maxTimeoutSeconds ?? 0)
        var table = TextTable(["TRANSFER-PROOF", ""])
        for (name, value) in [
            ("amount", "\(transfer.review.option?.display ?? "?") (\(instructions.amount) units of \(instructions.asset))"),
            ("network", instructions.network.description), ("recipient", instructions.recipient),
            ("bound by", instructions.bind.rawValue),
            ("expires", "\(CalendarTime.rfc3339(.seconds(instructions.expires))), in \(seconds) s"),
            ("link", instructions.paymentURI), ("signed by", self.signer(transfer.trust) ?? "nobody who may"),
            ("from", transfer.review.offer.place.rawValue),
        ] { table.add([name, value]) }
        StandardStreams.writeOutput(table.text)
    }

    /// Without the reference: whoever knows it may be given what was bought under it.
    private static func json(_ transfer: OfferInspection.Transfer) -> JSON {
        let instructions = transfer.review.offer.instructions
        return [
            "dialect": .string(TransferOffer.dialect), "amount": .string(instructions.amount.description),
            "display": transfer.review.option.map { .string($0.display) } ?? .null,
            "network": .string(instructions.network.description), "asset": .string(instructions.asset),
            "recipient": .string(instructions.recipient), "bind": .string(instructions.bind.rawValue),
            "expires": .integer(instructions.expires), "paymentUri": .string(instructions.paymentURI),
            "resource": .string(instructions.resource), "signedBy": self.signer(transfer.trust).map(JSON.string) ?? .null,
            "problems": .array(transfer.review.problems.map(JSON.string)),
        ]
    }

    private static func signer(_ trust: InstructionsTrust) -> String? {
        if case .vouched(let account) = trust { account } else { nil }
    }

    private static func json(_ row: OfferInspection.Row) -> JSON {
        let offered = row.review.offered
        return [
            "dialect": .string(row.dialect), "scheme": .string(offered.scheme), "amount": .string(offered.amount.description),
            "display": row.review.option.map { .string($0.display) } ?? .null, "network": .string(offered.network),
            "asset": .string(offered.asset), "payTo": .string(offered.payTo),
            "maxTimeoutSeconds": .integer(offered.maxTimeoutSeconds), "flow": .string(self.flow(row)),
            "problems": .array(row.review.problems.map(JSON.string)),
        ]
    }

    private static func network(_ row: OfferInspection.Row) -> String {
        guard let chain = row.review.option?.network, let known = NetworkDirectory.known.network(chain) else {
            return row.review.offered.network
        }
        return "\(known.name) (\(chain))"
    }

    private static func flow(_ row: OfferInspection.Row) -> String {
        row.review.isUpfront.map { $0 ? "upfront" : "authorization" } ?? "unknown"
    }
}
