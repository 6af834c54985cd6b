// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A JSON value (RFC 8259) that can be given back as it came: members keep their order, numbers keep their text.
///
/// x402 peers compare what they sent with what they get back, so nothing may be dropped, reordered or turned from a number
/// into a string on the way.
public enum JSON: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number by its text, since 10.0, 1e1 and 10 are the same value but not the same bytes.
    case number(String)
    /// A string, unescaped.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object, members in order, names unique.
    case object(JSONObject)

    /// An integer.
    public static func integer(_ value: some BinaryInteger) -> JSON { .number(String(value)) }

    /// The text of a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    /// The value of a boolean.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The elements of an array.
    public var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
    /// The members of an object.
    public var object: JSONObject? { if case .object(let members) = self { members } else { nil } }
    /// A number written as a plain integer that fits 64 bits.
    public var integer: Int64? { if case .number(let text) = self { Int64(text) } else { nil } }
    /// Whether it is `null`.
    public var isNull: Bool { if case .null = self { true } else { false } }

    /// The member `name` of an object; nil for anything else.
    public subscript(_ name: String) -> JSON? { self.object?[name] }

    /// Equality of what peers see: strings and numbers by their bytes, so 1.0 is not 1; objects without order.
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)), (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

/// The members of a JSON object in their order.
public struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// Name and value, in order.
    public private(set) var members: [(name: String, value: JSON)]

    /// No members.
    public init() {
        self.members = []
    }

    /// Members in the literal's order; a repeated name keeps its last value.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self.init()
        self.members.reserveCapacity(elements.count)
        for (name, value) in elements { self[name] = value }
    }

    /// Reads, replaces in place, appends, or (nil) removes. Linear: objects on this wire have a dozen members.
    public subscript(_ name: String) -> JSON? {
        get { self.members.first { $0.name.hasSameBytes(as: name) }?.value }
        set {
            let index = self.members.firstIndex { $0.name.hasSameBytes(as: name) }
            switch (index, newValue) {
            case (let index?, let value?): self.members[index].value = value
            case (let index?, nil): self.members.remove(at: index)
            case (nil, let value?): self.members.append((name, value))
            case (nil, nil): break
            }
        }
    }

    /// Sets every member of `other`.
    public mutating func set(_ other: JSONObject) {
        self.members.reserveCapacity(self.members.count + other.members.count)
        for (name, value) in other.members { self[name] = value }
    }

    /// Whether there is no member.
    public var isEmpty: Bool { self.members.isEmpty }
    /// The number of members.
    public var count: Int { self.members.count }

    /// The parser's way in: it has already seen that `name` is new.
    mutating func appendUnique(_ name: String, _ value: JSON) {
        if self.members.isEmpty { self.members.reserveCapacity(8) }  // Most objects on this wire have no more.
        self.members.append((name, value))
    }

    /// Equality as RFC 8259 means it: the order of members does not count.
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }

    /// Order-free, as equality is.
    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for (name, value) in self.members {
            var member = Hasher()
            member.combine(name)
            member.combine(value)
            combined ^= member.finalize()
        }
        hasher.combine(combined)
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// An array.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object in the literal's order.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}
