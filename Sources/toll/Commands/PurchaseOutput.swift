// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollClient
import TollPayments
import TollPrimitives
import TollRuntime

/// Shows a purchase: the body as it comes, the rest at the end.
final class PurchaseOutput: Sendable {
    /// The body does not fit into one JSON object.
    private struct TooLarge: Error, CustomStringConvertible {
        var description: String {
            "the body has more than \(PurchaseOutput.collectedSizeMax >> 20) MiB; write it to a file with -o"
        }
    }

    /// Bytes of a body that `--json` shows.
    private static let collectedSizeMax = 64 << 20

    private let path: String?
    private let file: OutputFile?
    private let isJSON: Bool
    private let collected = Mutex<[UInt8]>([])

    /// - Parameters:
    ///   - path: The file for the body; nil for standard output.
    ///   - isJSON: Whether standard output is one JSON object.
    init(path: String?, isJSON: Bool) throws {
        self.path = path
        self.file = try path.map { try PrivateFiles.open(replacing: $0) }
        self.isJSON = isJSON
    }

    /// A piece of the body.
    func take(_ piece: [UInt8]) async throws {
        if let file = self.file { return try file.write(piece) }
        guard self.isJSON else { return StandardStreams.writeOutput(piece) }
        try self.collected.withLock { collected in
            guard collected.count + piece.count <= Self.collectedSizeMax else { throw TooLarge() }
            collected += piece
        }
    }

    /// The end.
    func finish(_ report: PurchaseReport) {
        if self.isJSON {
            StandardStreams.writeOutput(self.json(report).text + "\n")
        } else {
            for line in Self.lines(report) { StandardStreams.writeError(EscapedText.singleLine(line) + "\n") }
        }
    }

    private static func lines(_ report: PurchaseReport) -> [String] {
        var lines = report.notices.map { "note: \($0)" }
        if let payment = report.preview {
            let way = payment.dialect == TransferOffer.dialect ? " by a transfer" : ""
            lines.append("would pay \(payment.option.display) on \(payment.option.network) to \(payment.option.payTo)\(way)")
        }
        if let payment = report.payment {
            let isOpen = report.failure?.code == .outcomeUnknown
            let transaction = payment.transaction.isEmpty ? "" : ", transaction \(payment.transaction)"
            let verb = payment.dialect == Credit.dialect ? "spent credit of" : "paid"
            lines.append(
                "\(isOpen ? "may have \(verb)" : verb) \(payment.option.display) on \(payment.option.network) "
                    + "to \(payment.option.payTo)\(transaction)"
            )
        }
        if let failure = report.failure { lines.append("Error: \(failure.message) [\(failure.code.rawValue)]") }
        return lines
    }

    private func json(_ report: PurchaseReport) -> JSON {
        var object: JSONObject = ["status": report.status.map { .integer($0) } ?? .null]
        if let path = self.path {
            object["bodyFile"] = .string(path)
        } else {
            let bytes = self.collected.withLock { $0 }
            // Text is what nearly every answer is; other bytes would not survive in a string.
            if let text = String(validating: bytes, as: UTF8.self) {
                object["body"] = .string(text)
            } else {
                object["bodyBase64"] = .string(Base64.encode(bytes))
            }
        }
        object["paid"] = report.payment.map(Self.json) ?? .null
        if let preview = report.preview { object["wouldPay"] = Self.json(preview) }
        object["error"] =
            report.failure.map {
                ["code": .string($0.code.rawValue), "message": .string($0.message), "retryable": .bool($0.isRetryable)]
            } ?? .null
        if !report.notices.isEmpty { object["notices"] = .array(report.notices.map(JSON.string)) }
        return .object(object)
    }

    private static func json(_ payment: PurchaseReport.Payment) -> JSON {
        [
            "amount": .string(payment.option.amount.description), "display": .string(payment.option.display),
            "asset": .string(payment.option.asset.address), "network": .string(payment.option.network.description),
            "payTo": .string(payment.option.payTo), "payer": .string(payment.account),
            "transaction": .string(payment.transaction), "method": .string(payment.option.scheme),
            "dialect": .string(payment.dialect),
        ]
    }
}
