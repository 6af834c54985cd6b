// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// A whole 402 as bytes, made once, with places for the date, the random challenge and the origin that may read it.
final class PreparedChallenge: Sendable {
    /// A place in the bytes, and what fills it.
    private struct Slot: Sendable {
        let offset: Int
        let fill: @Sendable (_ random: (UInt64, UInt64), _ buffer: inout [UInt8], _ offset: Int) -> Void
    }

    /// Up to the value of `Date`.
    private let start: [UInt8]
    /// From behind it to the end of the fields that are always there.
    private let middle: [UInt8]
    private let slots: [Slot]
    /// From `Content-Length` to the end.
    private let end: [UInt8]
    private let bodyByteCount: Int
    /// Nil when every origin may read the answer: then the fields are among the prepared ones.
    private let crossOrigin: CrossOrigin?

    /// The 402 that asks for `offer` in every one of `dialects`.
    init(_ offer: Offer, dialects: [any Dialect], crossOrigin: CrossOrigin) {
        let challenges = dialects.map { $0.challenge(for: offer, error: nil) }
        let body = ChallengeBody.json(challenges, error: nil, detail: nil)
        var middle = Array("\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n".utf8)
        var slots: [Slot] = []
        for field in challenges.flatMap(\.fields) {
            middle += Array("\(field.name): ".utf8)
            if let fill = field.fill { slots.append(Slot(offset: middle.count, fill: fill)) }
            middle += field.value
            middle += [13, 10]
        }
        if crossOrigin.policy == .any { middle += Self.fields(allowed: "*", crossOrigin) }
        self.start = Array("HTTP/1.1 402 Payment Required\r\nDate: ".utf8)
        self.middle = middle
        self.slots = slots
        self.end = Array("Content-Length: \(body.count)\r\n\r\n".utf8) + body
        self.bodyByteCount = body.count
        self.crossOrigin = crossOrigin.policy == .any ? nil : crossOrigin
    }

    /// Appends the whole answer to a request with `head`.
    func write(to answer: inout ImmediateAnswer, for head: RequestHead) {
        answer.bytes.append(contentsOf: self.start)
        answer.bytes.append(contentsOf: answer.dateField)
        let base = answer.bytes.count
        answer.bytes.append(contentsOf: self.middle)
        if !self.slots.isEmpty {
            let random = answer.nextRandom16()
            for slot in self.slots { slot.fill(random, &answer.bytes, base + slot.offset) }
        }
        if let crossOrigin = self.crossOrigin {
            answer.bytes.append(contentsOf: "Vary: Origin\r\n".utf8)
            if let allowed = crossOrigin.policy.allowed(head.fields.firstText(.origin)) {
                answer.bytes.append(contentsOf: Self.fields(allowed: allowed, crossOrigin))
            }
        }
        if head.method == .head {
            answer.bytes.append(contentsOf: self.end.dropLast(self.bodyByteCount))
        } else {
            answer.bytes.append(contentsOf: self.end)
        }
    }

    private static func fields(allowed: String, _ crossOrigin: CrossOrigin) -> [UInt8] {
        Array("Access-Control-Allow-Origin: \(allowed)\r\nAccess-Control-Expose-Headers: \(crossOrigin.exposed)\r\n".utf8)
    }
}
