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
        let fill: ChallengeField.Fill
    }

    /// Up to the value of `Date`.
    private let start: [UInt8]
    /// From behind it to the end of the fields that are always there.
    private let middle: [UInt8]
    private let slots: [Slot]
    /// From `Content-Length` to the end.
    private let end: [UInt8]
    let bodyByteCount: Int
    /// Tells the time, in seconds since 1970, where the challenge invites to sign in; nil where it does not.
    private let signInClock: (@Sendable () -> UInt64)?
    /// Nil when every origin may read the answer: then the fields are among the prepared ones.
    private let crossOrigin: CrossOrigin?

    /// The 402 that asks for `offer` in every one of `dialects`.
    init(
        _ offer: Offer, dialects: [any Dialect], crossOrigin: CrossOrigin, mode: GatewayMode = .live,
        clock: @escaping @Sendable () -> UInt64
    ) {
        let challenges = dialects.map { $0.challenge(for: offer, error: nil) }
        let body = ChallengeBody.json(challenges, error: nil, detail: nil)
        var middle = Array("\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\(mode.line)".utf8)
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
        self.signInClock = offer.signInDomain == nil ? nil : clock
        self.crossOrigin = crossOrigin.policy == .any ? nil : crossOrigin
    }

    /// Appends the whole answer to a request with `head`, with further fields where there are any.
    func write(to answer: inout ImmediateAnswer, for head: RequestHead, adding fields: [(name: String, value: String)] = []) {
        answer.bytes.append(contentsOf: self.start)
        answer.bytes.append(contentsOf: answer.dateField)
        let base = answer.bytes.count
        answer.bytes.append(contentsOf: self.middle)
        if !self.slots.isEmpty {
            let filling = self.filling(&answer)
            for slot in self.slots { slot.fill(filling, &answer.bytes, base + slot.offset) }
        }
        if let crossOrigin = self.crossOrigin {
            answer.bytes.append(contentsOf: "Vary: Origin\r\n".utf8)
            if let allowed = crossOrigin.policy.allowed(head.fields.firstText(.origin)) {
                answer.bytes.append(contentsOf: Self.fields(allowed: allowed, crossOrigin))
            }
        }
        for (name, value) in fields { answer.bytes.append(contentsOf: "\(name): \(value)\r\n".utf8) }
        if head.method == .head {
            answer.bytes.append(contentsOf: self.end.dropLast(self.bodyByteCount))
        } else {
            answer.bytes.append(contentsOf: self.end)
        }
    }

    private func filling(_ answer: inout ImmediateAnswer) -> ChallengeFilling {
        guard let clock = self.signInClock else { return ChallengeFilling(secret: answer.nextRandom16()) }
        return ChallengeFilling(secret: answer.nextRandom16(), nonce: answer.nextRandom16(), time: Int64(clock()))
    }

    private static func fields(allowed: String, _ crossOrigin: CrossOrigin) -> [UInt8] {
        Array("Access-Control-Allow-Origin: \(allowed)\r\nAccess-Control-Expose-Headers: \(crossOrigin.exposed)\r\n".utf8)
    }
}
