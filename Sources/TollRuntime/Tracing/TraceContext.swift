// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// A request's place in a trace that goes through several programs (W3C Trace Context, 2021): `traceparent`.
public struct TraceContext: Hashable, Sendable {
    /// The trace's 16 bytes, never all zero.
    public let traceID: (high: UInt64, low: UInt64)
    /// The 8 bytes of this part of it, never zero.
    public let spanID: UInt64
    /// Bit 0: whoever called may have recorded it.
    public let flags: UInt8

    /// A place; nil when an id is all zero.
    public init?(traceID: (high: UInt64, low: UInt64), spanID: UInt64, flags: UInt8) {
        guard traceID.high | traceID.low != 0, spanID != 0 else { return nil }
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
    }

    /// Reads a field's value, as strictly as §3.2 asks: lower-case digits, no id of zeros, version `ff` never, version `00` with
    /// nothing behind it. Of a later version only what version `00` has is read.
    public init?(parsing value: some Collection<UInt8>) {
        let bytes = Array(value)
        guard bytes.count >= 55, bytes[2] == 0x2D, bytes[35] == 0x2D, bytes[52] == 0x2D,
            let version = Self.number(bytes[0..<2]), version != 0xFF,
            version == 0 ? bytes.count == 55 : bytes.count == 55 || bytes[55] == 0x2D,
            let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]),
            let span = Self.number(bytes[36..<52]), let flags = Self.number(bytes[53..<55])
        else { return nil }
        self.init(traceID: (high, low), spanID: span, flags: UInt8(flags) & 0x01)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: number = number << 4 | UInt64(digit - 0x61 + 10)
            default: return nil
            }
        }
        return number
    }

    /// The bytes of the field's value.
    public static let byteCount = 55

    /// As the field says it.
    public var traceparent: String {
        let text = [UInt8](capacity: Self.byteCount) { self.append(traceparentTo: &$0) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends what the field says.
    public func append(traceparentTo text: inout OutputSpan<UInt8>) {
        text.append(UInt8(ascii: "0"))
        text.append(UInt8(ascii: "0"))
        text.append(UInt8(ascii: "-"))
        Self.append(self.traceID.high, to: &text)
        Self.append(self.traceID.low, to: &text)
        text.append(UInt8(ascii: "-"))
        Self.append(self.spanID, to: &text)
        text.append(UInt8(ascii: "-"))
        text.append(UInt8(ascii: "0"))
        text.append(UInt8(ascii: "0") + (self.flags & 1))
    }

    /// 32 digits.
    public var traceText: String { String(self.traceparent.dropFirst(3).prefix(32)) }

    /// 16 digits.
    public var spanText: String { String(self.traceparent.dropFirst(36).prefix(16)) }

    private static func append(_ number: UInt64, to text: inout OutputSpan<UInt8>) {
        self.append(UInt32(truncatingIfNeeded: number >> 32), to: &text)
        self.append(UInt32(truncatingIfNeeded: number), to: &text)
    }

    /// Eight digits at once, each in its byte.
    private static func append(_ number: UInt32, to text: inout OutputSpan<UInt8>) {
        var digits = UInt64(number)
        digits = (digits << 16 | digits) & 0x0000_FFFF_0000_FFFF
        digits = (digits << 8 | digits) & 0x00FF_00FF_00FF_00FF
        digits = (digits << 4 | digits) & 0x0F0F_0F0F_0F0F_0F0F
        // In a byte from ten on, six more carry into its upper half.
        let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        var characters = digits &+ 0x3030_3030_3030_3030 &+ letters &* 39
        for _ in 0..<8 {
            text.append(UInt8(truncatingIfNeeded: characters >> 56))
            characters <<= 8
        }
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.traceID == right.traceID && left.spanID == right.spanID && left.flags == right.flags
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.traceID.high)
        hasher.combine(self.traceID.low)
        hasher.combine(self.spanID)
    }
}

/// Makes ids for traces and their parts: different ones, not secret ones, without asking the system for each.
public final class TraceIDs: Sendable {
    private let key: UInt64
    private let drawn = Atomic<UInt64>(0)

    /// - Parameter key: What tells this process's ids from those of others.
    public init(key: UInt64 = .random(in: .min ... .max)) { self.key = key }

    /// The next part of the trace that a client's `parent` is in; of a new one, to be recorded by whoever records, without.
    public func next(after parent: TraceContext?) -> TraceContext {
        while true {
            let span = self.draw()
            let trace = parent?.traceID ?? (self.draw(), self.draw())
            if let context = TraceContext(traceID: trace, spanID: span, flags: parent?.flags ?? 1) { return context }
        }
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014) from the key on.
    private func draw() -> UInt64 {
        let step = self.drawn.wrappingAdd(1, ordering: .relaxed).newValue
        var z = self.key &+ step &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
