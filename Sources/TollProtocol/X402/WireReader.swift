// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Reads the members of one object, and names the path of what is wrong. Null counts as absent: writers that have no way to
/// leave a member out send null.
struct WireReader {
    private let object: JSONObject
    private let path: String

    init(_ object: JSONObject, at path: String) {
        self.object = object
        self.path = path
    }

    /// The value of `name`, unless absent or null.
    func value(_ name: String) -> JSON? {
        guard let value = self.object[name], !value.isNull else { return nil }
        return value
    }

    /// The value of `name` as `read` understands it; an error when absent.
    func required<Value>(_ name: String, _ expected: String, _ read: (JSON) -> Value?) throws(WireError) -> Value {
        guard let value = try self.optional(name, expected, read) else {
            throw WireError(.missing, path: self.path(of: name), problem: "is missing", expected: expected)
        }
        return value
    }

    /// The value of `name` as `read` understands it; nil when absent.
    func optional<Value>(_ name: String, _ expected: String, _ read: (JSON) -> Value?) throws(WireError) -> Value? {
        guard let json = self.value(name) else { return nil }
        guard let value = read(json) else {
            throw WireError(.wrongType, path: self.path(of: name), problem: "is \(json.typeName)", expected: expected)
        }
        return value
    }

    func string(_ name: String) throws(WireError) -> String {
        try self.required(name, "a string", \.string)
    }

    func optionalString(_ name: String) throws(WireError) -> String? {
        try self.optional(name, "a string", \.string)
    }

    func optionalObject(_ name: String) throws(WireError) -> JSONObject? {
        try self.optional(name, "an object", \.object)
    }

    /// A string that `parse` understands.
    func text<Value>(_ name: String, _ expected: String, _ parse: (String) -> Value?) throws(WireError) -> Value {
        let text = try self.required(name, expected, \.string)
        guard let value = parse(text) else { throw self.malformed(name, expected) }
        return value
    }

    /// The same, nil when absent.
    func optionalText<Value>(_ name: String, _ expected: String, _ parse: (String) -> Value?) throws(WireError) -> Value? {
        self.value(name) == nil ? nil : try self.text(name, expected, parse)
    }

    /// An amount in the smallest unit: always text, never a number.
    func amount(_ name: String) throws(WireError) -> UInt256 {
        try self.text(name, "an amount in the smallest unit as a decimal string", UInt256.init(decimal:))
    }

    /// An account of an EVM chain, in the case it came in.
    func address(_ name: String) throws(WireError) -> String {
        try self.text(name, Self.addressForm) { Self.isAddress($0) ? $0 : nil }
    }

    /// What ``isAddress(_:)`` takes.
    static let addressForm = "an address: 0x and 40 hexadecimal digits"

    static func isAddress(_ text: String) -> Bool {
        text.utf8.count == 42 && text.utf8.starts(with: "0x".utf8) && Hex.isValid(text)
    }

    /// A number written as a plain integer from 0.
    func count(_ name: String) throws(WireError) -> Int {
        let expected = "a whole number of at least 0"
        let number = try self.required(name, expected) { if case .number(let text) = $0 { text } else { nil } }
        guard let value = Int(number), value >= 0 else { throw self.malformed(name, expected) }
        return value
    }

    /// Demands `x402Version`.
    func version(_ version: X402Version) throws(WireError) {
        guard try X402Version(of: self.object, at: self.path) == version else {
            throw WireError(
                .wrongVersion,
                path: self.path(of: "x402Version"),
                problem: "is another version",
                expected: "\(version.rawValue)"
            )
        }
    }

    func objects<Object: WireObject>(_ name: String) throws(WireError) -> [Object] {
        let elements = try self.required(name, "an array of objects", \.array)
        var objects: [Object] = []
        objects.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            objects.append(try self.element(element, of: name, at: index))
        }
        return objects
    }

    /// As ``objects(_:)``, but what cannot be read is set aside, so that one option of a kind unknown here does not hide the
    /// others.
    func readableObjects<Object: WireObject>(_ name: String) throws(WireError) -> ([Object], [WireError]) {
        let elements = try self.required(name, "an array of objects", \.array)
        var objects: [Object] = []
        var errors: [WireError] = []
        for (index, element) in elements.enumerated() {
            do throws(WireError) {
                objects.append(try self.element(element, of: name, at: index))
            } catch {
                errors.append(error)
            }
        }
        return (objects, errors)
    }

    func object<Object: WireObject>(_ name: String) throws(WireError) -> Object {
        try Object(try self.required(name, "an object", \.object), at: self.path(of: name))
    }

    func optionalObject<Object: WireObject>(_ name: String) throws(WireError) -> Object? {
        guard let json: JSONObject = try self.optionalObject(name) else { return nil }
        return try Object(json, at: self.path(of: name))
    }

    func malformed(_ name: String, _ expected: String) -> WireError {
        WireError(.malformed, path: self.path(of: name), problem: "has the wrong form", expected: expected)
    }

    private func element<Object: WireObject>(_ json: JSON, of name: String, at index: Int) throws(WireError) -> Object {
        let path = "\(self.path(of: name))[\(index)]"
        guard let object = json.object else {
            throw WireError(.wrongType, path: path, problem: "is \(json.typeName)", expected: "an object")
        }
        return try Object(object, at: path)
    }

    private func path(of name: String) -> String {
        self.path.isEmpty ? name : "\(self.path).\(name)"
    }
}
