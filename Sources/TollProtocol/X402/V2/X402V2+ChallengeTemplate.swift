// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension X402V2 {
    /// The text of `PAYMENT-REQUIRED`, prepared once, with a slot in every `accepts[i].extra.challenge` for the 16 random bytes
    /// that make each answer its own.
    ///
    /// Base64 codes three bytes at a time. White space before a slot, which JSON allows, makes its 32 digits and closing
    /// quote start at a multiple of three, so these 33 bytes are 44 characters of their own and can be overwritten in place.
    public struct ChallengeTemplate: Sendable {
        /// Base64 characters of a slot.
        private static let slotSize = 44

        /// The base64 text, with the digits of zero in its slots.
        public let base64: [UInt8]
        /// Where the slots start in ``base64``.
        public let slots: [Int]

        /// Prepares `challenge`. What its options have as `extra.challenge` is replaced; the slot is the last member of `extra`.
        public init(_ challenge: PaymentRequired) {
            var writer = ChallengeWriter()
            writer.write(challenge)
            self.base64 = Base64.encodeUTF8(writer.bytes)
            self.slots = writer.slots.map { $0 / 3 * 4 }
        }

        /// Writes the 16 bytes `high`, `low` (big-endian) into every slot of a copy of ``base64`` that starts at `base` in
        /// `text`. Nothing is allocated when `text` is uniquely referenced.
        public func fill(high: UInt64, low: UInt64, into text: inout [UInt8], at base: Int) {
            let value = UInt128(high) << 64 | UInt128(low)
            let triples = Self.triples
            for slot in self.slots {
                var position = base + slot
                for shift in stride(from: 116, through: 8, by: -12) {
                    Self.put(triples[Int(truncatingIfNeeded: value >> UInt128(shift)) & 0xFFF], into: &text, at: position)
                    position += 4
                }
                Self.put(Self.endings[Int(truncatingIfNeeded: value) & 0xFF], into: &text, at: position)
            }
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
            Base64.encodeUTF8(Array(text.utf8)).reduce(0) { $0 << 8 | UInt32($1) }
        }

        private static func put(_ word: UInt32, into text: inout [UInt8], at position: Int) {
            text[position] = UInt8(truncatingIfNeeded: word >> 24)
            text[position + 1] = UInt8(truncatingIfNeeded: word >> 16)
            text[position + 2] = UInt8(truncatingIfNeeded: word >> 8)
            text[position + 3] = UInt8(truncatingIfNeeded: word)
        }
    }
}

/// Writes the JSON of a challenge and notes where the slots' digits are.
private struct ChallengeWriter {
    private(set) var bytes: [UInt8] = []
    private(set) var slots: [Int] = []

    mutating func write(_ challenge: X402V2.PaymentRequired) {
        self.write(challenge.json) { writer, name, value in
            guard name == "accepts", let options = value.array else { return value.append(to: &writer.bytes) }
            writer.bytes.append(UInt8(ascii: "["))
            for (position, option) in options.enumerated() {
                if position > 0 { writer.bytes.append(UInt8(ascii: ",")) }
                writer.write(option: option)
            }
            writer.bytes.append(UInt8(ascii: "]"))
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
                if name == member { writer.writeSlot() } else { value.append(to: &writer.bytes) }
            }
        }
    }

    private mutating func writeSlot() {
        while !(self.bytes.count + 1).isMultiple(of: 3) { self.bytes.append(UInt8(ascii: " ")) }
        self.bytes.append(UInt8(ascii: "\""))
        self.slots.append(self.bytes.count)
        self.bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 32))
        self.bytes.append(UInt8(ascii: "\""))
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
