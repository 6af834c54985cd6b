// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPrimitives
internal import TollProtocol

/// What the answer to a proof says of the transfer.
struct ProofAnswer {
    /// For the machine.
    let answer: TransferMachine.Answer
    /// As the answer to any payment; for the journal, when the outcome is known.
    let paid: PaidAnswer

    /// Reasons of the seller's that pass: the transfer is right, as far as they know.
    private static let passing: Set<TransferProof.Reason> = [.notFound, .unconfirmed, .reorganized, .nodesDisagree]
    /// Statuses that ask to come again.
    private static let busy: Set<Int> = [425, 429, 503]
    /// The longest wait that a seller can ask for, in seconds.
    private static let retryAfterMax: UInt64 = 3_600

    /// Judges an answer.
    ///
    /// - Parameters:
    ///   - body: The body of an answer of 400 and above.
    ///   - networks: The names that the receipt may call the paid network by.
    init(_ head: ResponseHead, body: [UInt8], networks: [String]) {
        let paid = PaidAnswer(head, body: body, networks: networks)
        self.paid = paid
        let retryAfter = head.fields.firstText("retry-after").flatMap { UInt64($0) }.map { min($0, Self.retryAfterMax) }
        let said = Self.members(head, body)
        let reason = said["reason"]?.string.map { TransferProof.Reason(rawValue: $0) }
        switch (paid.outcome, paid.failure) {
        case (.paid, nil): self.answer = .delivered
        case (.refused(let words), let failure?):
            let isWaiting = said["state"]?.string == TransferProof.Status.State.processing.rawValue
            if head.status == 402, isWaiting || reason.map(Self.passing.contains) == true || retryAfter != nil {
                let word = reason.map { Self.word($0.rawValue) } ?? "processing"
                self.answer = .processing(reason: word, retryAfter: retryAfter)
            } else if failure.code == .paymentRefused {
                self.answer = .refused(reason: reason.map { Self.word($0.rawValue) } ?? words)
            } else {
                self.answer = .failed(failure)
            }
        case (.open, let failure?) where Self.busy.contains(head.status):
            self.answer = .trouble(reason: failure.message, retryAfter: retryAfter)
        case (_, let failure?): self.answer = .failed(failure)
        case (_, nil): self.answer = .failed(PaidAnswer.unknown("the server answered \(head.status)"))
        }
    }

    /// What stands beside the instructions of a 402: in its x402 v2 object, or in its body.
    private static func members(_ head: ResponseHead, _ body: [UInt8]) -> JSONObject {
        if let json = (try? JSON(parsing: body))?.object, json["state"] != nil || json["reason"] != nil { return json }
        guard let value = head.fields.firstText("payment-required") else { return [:] }
        return (try? X402V2.PaymentRequired(headerValue: value))?.json ?? [:]
    }

    /// A word of the server's, for a line of ours.
    private static func word(_ text: String) -> String {
        let isWord = text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        return isWord && (1...64).contains(text.utf8.count) ? text : "a reason that cannot be read"
    }
}
