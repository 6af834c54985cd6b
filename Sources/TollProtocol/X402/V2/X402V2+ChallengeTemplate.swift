// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension X402V2 {
    /// The text of `PAYMENT-REQUIRED`, prepared once, with a slot in every `accepts[i].extra.challenge` for the 16 random bytes
    /// that make each answer its own, and, where it invites to sign in, one for the nonce and one for the time of that.
    ///
    /// Base64 codes three bytes at a time. White space before a slot, which JSON allows, makes its text start at a multiple of
    /// three. 32 digits with their closing quote are 33 bytes, and so 44 characters of their own; a time of 24 characters is 32.
    /// They can be overwritten in place.
    public struct ChallengeTemplate: Sendable {
        /// Where the parts of a sign-in start in ``ChallengeTemplate/base64``.
        public struct SignInSlots: Hashable, Sendable {
            /// The nonce, 32 digits.
            public let nonce: Int
            /// The time, 24 characters.
            public let issuedAt: Int
        }

        /// The base64 text, with the digits of zero in its slots.
        public let base64: [UInt8]
        /// Where the slots for the challenge start in ``base64``.
        public let slots: [Int]
        /// Where those for a sign-in start; nil when the challenge invites to none.
        public let signInSlots: SignInSlots?

        /// Prepares `challenge`. What its options have as `extra.challenge` is replaced; the slot is the last member of `extra`.
        /// So are `nonce` and `issuedAt` of the sign-in it invites to.
        public init(_ challenge: PaymentRequired) {
            var writer = ChallengeWriter()
            writer.write(challenge)
            self.base64 = Base64.encodeUTF8(writer.bytes)
            self.slots = writer.slots.map { $0 / 3 * 4 }
            if let nonce = writer.nonce, let issuedAt = writer.issuedAt {
                self.signInSlots = SignInSlots(nonce: nonce / 3 * 4, issuedAt: issuedAt / 3 * 4)
            } else {
                self.signInSlots = nil
            }
        }

        /// Writes the 16 bytes `high`, `low` (big-endian) into every slot of a copy of ``base64`` that starts at `base` in
        /// `text`. Nothing is allocated when `text` is uniquely referenced.
        public func fill(high: UInt64, low: UInt64, into text: inout [UInt8], at base: Int) {
            let value = UInt128(high) << 64 | UInt128(low)
            for slot in self.slots { Self.put(value, into: &text, at: base + slot) }
        }

        /// Writes the nonce and the time (seconds since 1970) of a sign-in, in the same way. Nothing happens where it invites to
        /// none.
        public func fillSignIn(high: UInt64, low: UInt64, time: Int64, into text: inout [UInt8], at base: Int) {
            guard let slots = self.signInSlots else { return }
            Self.put(UInt128(high) << 64 | UInt128(low), into: &text, at: base + slots.nonce)
            let calendar = SignInTime(time)
            for triple in 0..<8 {
                Self.put(
                    Self.word(calendar[3 * triple], calendar[3 * triple + 1], calendar[3 * triple + 2]),
                    into: &text, at: base + slots.issuedAt + 4 * triple)
            }
        }

        /// The 44 characters of the digits of `value` and the closing quote.
        private static func put(_ value: UInt128, into text: inout [UInt8], at position: Int) {
            var position = position
            let triples = self.triples
            for shift in stride(from: 116, through: 8, by: -12) {
                self.put(triples[Int(truncatingIfNeeded: value >> UInt128(shift)) & 0xFFF], into: &text, at: position)
                position += 4
            }
            self.put(self.endings[Int(truncatingIfNeeded: value) & 0xFF], into: &text, at: position)
        }

        /// The four characters of three digits, by the digits' value.
        private static let triples: [UInt32] = (0..<4096).map { value in
            word(Hex.encode([UInt8(value >> 8), UInt8(value & 0xFF)]).dropFirst())
        }

        /// The four characters of the last two digits and the closing quote.
        private static let endings: [UInt32] = (0..<256).map { value in
            word(Hex.encode([UInt8(value)]) + "\"")
        }

        private static func word(_ text: some StringProtocol) -> UInt32 {
            let bytes = Array(text.utf8)
            return self.word(bytes[0], bytes[1], bytes[2])
        }

        /// The four characters of three bytes.
        private static func word(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> UInt32 {
            let bits = UInt32(first) << 16 | UInt32(second) << 8 | UInt32(third)
            return stride(from: 18, through: 0, by: -6).reduce(0) { word, shift in
                word << 8 | UInt32(self.character(UInt8(truncatingIfNeeded: bits >> UInt32(shift)) & 63))
            }
        }

        /// Of the standard alphabet.
        private static func character(_ value: UInt8) -> UInt8 {
            switch value {
            case 0..<26: 0x41 + value
            case 26..<52: 0x61 + value - 26
            case 52..<62: 0x30 + value - 52
            case 62: UInt8(ascii: "+")
            default: UInt8(ascii: "/")
            }
        }

        private static func put(_ word: UInt32, into text: inout [UInt8], at position: Int) {
            text[position] = UInt8(truncatingIfNeeded: word >> 24)
            text[position + 1] = UInt8(truncatingIfNeeded: word >> 16)
            text[position + 2] = UInt8(truncatingIfNeeded: word >> 8)
            text[position + 3] = UInt8(truncatingIfNeeded: word)
        }
    }
}

/// The characters of a time, `2026-03-01T12:00:00.000Z`, without a buffer for them.
private struct SignInTime {
    private let year, month, day, second: Int64

    /// A time in whole seconds since 1970.
    init(_ time: Int64) {
        let time = max(0, time)
        (self.year, self.month, self.day) = CalendarTime.date(daysSinceEpoch: time / 86_400)
        self.second = time % 86_400
    }

    subscript(_ position: Int) -> UInt8 {
        switch position {
        case 0: Self.digit(self.year / 1000)
        case 1: Self.digit(self.year / 100)
        case 2: Self.digit(self.year / 10)
        case 3: Self.digit(self.year)
        case 4, 7: UInt8(ascii: "-")
        case 5: Self.digit(self.month / 10)
        case 6: Self.digit(self.month)
        case 8: Self.digit(self.day / 10)
        case 9: Self.digit(self.day)
        case 10: UInt8(ascii: "T")
        case 11: Self.digit(self.second / 36_000)
        case 12: Self.digit(self.second / 3_600)
        case 13, 16: UInt8(ascii: ":")
        case 14: Self.digit(self.second / 600 % 6)
        case 15: Self.digit(self.second / 60)
        case 17: Self.digit(self.second / 10 % 6)
        case 18: Self.digit(self.second)
        case 19: UInt8(ascii: ".")
        case 20, 21, 22: UInt8(ascii: "0")
        default: UInt8(ascii: "Z")
        }
    }

    private static func digit(_ number: Int64) -> UInt8 { UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10) }
}

/// Writes the JSON of a challenge and notes where the slots' texts are.
private struct ChallengeWriter {
    private(set) var bytes: [UInt8] = []
    private(set) var slots: [Int] = []
    private(set) var nonce: Int?
    private(set) var issuedAt: Int?

    mutating func write(_ challenge: X402V2.PaymentRequired) {
        self.write(challenge.json) { writer, name, value in
            switch (name, value) {
            case ("accepts", .array(let options)): writer.write(options: options)
            case ("extensions", .object(let extensions)): writer.write(extensions: extensions)
            default: value.append(to: &writer.bytes)
            }
        }
    }

    private mutating func write(options: [JSON]) {
        self.bytes.append(UInt8(ascii: "["))
        for (position, option) in options.enumerated() {
            if position > 0 { self.bytes.append(UInt8(ascii: ",")) }
            self.write(option: option)
        }
        self.bytes.append(UInt8(ascii: "]"))
    }

    private mutating func write(extensions: JSONObject) {
        self.write(extensions) { writer, name, value in
            guard name == X402V2.SignIn.name, let entry = value.object else { return value.append(to: &writer.bytes) }
            writer.write(entry) { writer, name, value in
                guard name == "info", let info = value.object else { return value.append(to: &writer.bytes) }
                writer.write(info) { writer, name, value in
                    switch name {
                    case "nonce": writer.nonce = writer.writeSlot(of: String(repeating: "0", count: 32))
                    case "issuedAt": writer.issuedAt = writer.writeSlot(of: "1970-01-01T00:00:00.000Z")
                    default: value.append(to: &writer.bytes)
                    }
                }
            }
        }
    }

    private mutating func write(option: JSON) {
        guard var option = option.object else { return option.append(to: &self.bytes) }
        let member = X402V2.PaymentRequirements.challengeMember
        var extra = option["extra"]?.object ?? [:]
        extra[member] = nil
        extra[member] = ""
        option["extra"] = .object(extra)
        self.write(option) { writer, name, value in
            guard name == "extra" else { return value.append(to: &writer.bytes) }
            writer.write(extra) { writer, name, value in
                guard name == member else { return value.append(to: &writer.bytes) }
                writer.slots.append(writer.writeSlot(of: String(repeating: "0", count: 32)))
            }
        }
    }

    /// Writes a string of `text` that starts at a multiple of three; says where.
    private mutating func writeSlot(of text: String) -> Int {
        while !(self.bytes.count + 1).isMultiple(of: 3) { self.bytes.append(UInt8(ascii: " ")) }
        self.bytes.append(UInt8(ascii: "\""))
        defer { self.bytes += Array(text.utf8) + [UInt8(ascii: "\"")] }
        return self.bytes.count
    }

    private mutating func write(_ object: JSONObject, value write: (inout Self, String, JSON) -> Void) {
        self.bytes.append(UInt8(ascii: "{"))
        for (position, member) in object.members.enumerated() {
            if position > 0 { self.bytes.append(UInt8(ascii: ",")) }
            JSON.string(member.name).append(to: &self.bytes)
            self.bytes.append(UInt8(ascii: ":"))
            write(&self, member.name, member.value)
        }
        self.bytes.append(UInt8(ascii: "}"))
    }
}
