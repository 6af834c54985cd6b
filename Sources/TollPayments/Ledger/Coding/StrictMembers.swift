// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

package import TollPrimitives

/// Reads the members of a stored JSON object one by one, and insists at the end that there were no others.
///
/// Our own writing comes back here, so whatever is not exactly as written is corruption and not a dialect to be lenient with.
package struct StrictMembers {
    private var rest: JSONObject
    private let place: String

    /// The members of `object`; `place` names it in errors.
    package init(_ object: JSONObject, of place: String) {
        self.rest = object
        self.place = place
    }

    /// The members of a text that must be a JSON object.
    package init(parsing text: String, of place: String) throws(StoreError) {
        let value: JSON
        do throws(JSON.ParseError) { value = try JSON(parsing: text) } catch { throw .corrupt("\(place) is no JSON: \(error)") }
        guard let object = value.object else { throw .corrupt("\(place) is no JSON object") }
        self.init(object, of: place)
    }

    package mutating func string(_ name: String) throws(StoreError) -> String {
        guard case .string(let text) = try self.take(name) else { throw self.error(name, "is no string") }
        return text
    }

    package mutating func stringIfAny(_ name: String) throws(StoreError) -> String? {
        switch try self.take(name) {
        case .null: return nil
        case .string(let text): return text
        default: throw self.error(name, "is neither a string nor null")
        }
    }

    package mutating func null(_ name: String) throws(StoreError) {
        guard case .null = try self.take(name) else { throw self.error(name, "is not null") }
    }

    package mutating func bool(_ name: String) throws(StoreError) -> Bool {
        guard case .bool(let value) = try self.take(name) else { throw self.error(name, "is no boolean") }
        return value
    }

    package mutating func integer<Number: FixedWidthInteger>(_ name: String) throws(StoreError) -> Number {
        guard case .number(let text) = try self.take(name), let value = Number(text) else {
            throw self.error(name, "is no integer in range")
        }
        return value
    }

    package mutating func array(_ name: String) throws(StoreError) -> [JSON] {
        guard case .array(let elements) = try self.take(name) else { throw self.error(name, "is no array") }
        return elements
    }

    package mutating func object(_ name: String) throws(StoreError) -> JSONObject {
        guard case .object(let object) = try self.take(name) else { throw self.error(name, "is no object") }
        return object
    }

    package mutating func members(_ name: String) throws(StoreError) -> StrictMembers {
        StrictMembers(try self.object(name), of: "\(self.place).\(name)")
    }

    /// A string that `parse` makes something of.
    package mutating func parsed<Value>(_ name: String, _ parse: (String) -> Value?) throws(StoreError) -> Value {
        let text = try self.string(name)
        guard let value = parse(text) else { throw self.error(name, "is malformed: \(text)") }
        return value
    }

    /// A string or null; of a string, `parse` must make something.
    package mutating func parsedIfAny<Value>(_ name: String, _ parse: (String) -> Value?) throws(StoreError) -> Value? {
        guard let text = try self.stringIfAny(name) else { return nil }
        guard let value = parse(text) else { throw self.error(name, "is malformed: \(text)") }
        return value
    }

    /// Nothing may be left.
    package func end() throws(StoreError) {
        if let name = self.rest.members.first?.name { throw self.error(name, "is unknown") }
    }

    private mutating func take(_ name: String) throws(StoreError) -> JSON {
        guard let value = self.rest[name] else { throw self.error(name, "is missing") }
        self.rest[name] = nil
        return value
    }

    private func error(_ name: String, _ what: String) -> StoreError {
        .corrupt("\(self.place).\(name) \(what)")
    }
}
