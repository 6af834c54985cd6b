// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2 {
    /// The extension `bazaar`: what a resource takes and gives, so that facilitators and directories can list it and agents can
    /// call it without having seen it before. Source: x402 `extensions/bazaar.md`.
    public struct Bazaar: Hashable, Sendable {
        /// Its key in `extensions`.
        public static let name = "bazaar"

        /// Part of a path.
        public enum Segment: Hashable, Sendable {
            /// Exactly this text.
            case literal(String)
            /// One segment, by its name.
            case parameter(String)
            /// All that is left, slashes included, by its name.
            case rest(String)
        }

        /// How a body is written.
        public enum BodyType: String, Hashable, Sendable, CaseIterable {
            /// JSON.
            case json
            /// A form.
            case formData = "form-data"
            /// Plain text.
            case text
        }

        /// What a call takes.
        public struct Input: Hashable, Sendable {
            /// By name of a parameter of the path: what may stand there (JSON Schema).
            public var path: JSONObject
            /// By name of a parameter of the query: what may stand there (JSON Schema). A member `example` is an example.
            public var query: JSONObject
            /// Names of parameters of the query that must be there.
            public var required: [String]
            /// What may stand in the body (JSON Schema); nil when none is described. A member `example` is an example.
            public var body: JSONObject?
            /// How the body is written.
            public var bodyType: BodyType

            /// An input by all its fields.
            public init(
                path: JSONObject = [:], query: JSONObject = [:], required: [String] = [], body: JSONObject? = nil,
                bodyType: BodyType = .json
            ) {
                self.path = path
                self.query = query
                self.required = required
                self.body = body
                self.bodyType = bodyType
            }
        }

        /// What a call gives.
        public struct Output: Hashable, Sendable {
            /// The media type.
            public var mimeType: String
            /// Of the body (JSON Schema).
            public var schema: JSONObject?
            /// A body.
            public var example: JSON?

            /// An output by all its fields.
            public init(mimeType: String = "application/json", schema: JSONObject? = nil, example: JSON? = nil) {
                self.mimeType = mimeType
                self.schema = schema
                self.example = example
            }
        }

        /// The methods that the extension knows and that have a query alone.
        private static let queryMethods = ["GET", "HEAD", "DELETE"]
        /// Those that have a body.
        private static let bodyMethods = ["POST", "PUT", "PATCH"]
        private static let dialect = "https://json-schema.org/draft/2020-12/schema"

        /// The method that is described.
        public let method: String
        /// The path.
        public let segments: [Segment]
        /// What a call takes.
        public let input: Input
        /// What it gives; nil when that is not described.
        public let output: Output?

        /// A description; nil for a method that the extension does not know.
        public init?(method: String, segments: [Segment], input: Input = Input(), output: Output? = nil) {
            guard (Self.queryMethods + Self.bodyMethods).contains(method) else { return nil }
            self.method = method
            self.segments = segments
            self.input = input
            self.output = output
        }

        private var takesBody: Bool { Self.bodyMethods.contains(self.method) }

        /// `/weather/:city`, under which directories list every path of the pattern; nil when the path is fixed. What would not
        /// be accepted there is percent-encoded.
        public var routeTemplate: String? {
            guard self.segments.contains(where: { if case .literal = $0 { false } else { true } }) else { return nil }
            return self.segments.map { segment in
                switch segment {
                case .literal(let text): "/" + PercentText.encode(text)
                case .parameter(let name), .rest(let name): "/:" + name
                }
            }.joined()
        }

        /// The entry of `extensions`.
        ///
        /// - Parameter path: The path that was asked for, whose parameters then stand in it; nil in a directory.
        public func entry(forPath path: Substring? = nil) -> JSON {
            var input: JSONObject = ["type": "http", "method": .string(self.method)]
            let (values, parameters) = (path.map(self.values) ?? [:], self.segments.compactMap(\.name))
            let query = Self.examples(self.input.query)
            if self.takesBody {
                input["bodyType"] = .string(self.input.bodyType.rawValue)
                input["body"] = self.input.body?["example"] ?? [:]
            }
            if !query.isEmpty { input["queryParams"] = .object(query) }
            if !values.isEmpty { input["pathParams"] = .object(values) }
            var info: JSONObject = ["input": .object(input)]
            var properties: JSONObject = ["input": self.inputSchema(examples: query, parameters: parameters)]
            if let output = self.output {
                info["output"] = .object(Self.info(output))
                properties["output"] = Self.schema(output)
            }
            var entry: JSONObject = [
                "info": .object(info),
                "schema": [
                    "$schema": .string(Self.dialect), "type": "object", "properties": .object(properties), "required": ["input"],
                ],
            ]
            entry["routeTemplate"] = self.routeTemplate.map(JSON.string)
            return .object(entry)
        }

        /// What version 1 says of it: `outputSchema` of its requirements.
        public var legacySchema: JSON {
            var input: JSONObject = ["type": "http", "method": .string(self.method), "discoverable": true]
            if !self.input.query.isEmpty { input["queryParams"] = .object(self.input.query) }
            if self.takesBody, let body = self.input.body {
                input["bodyType"] = .string(self.input.bodyType.rawValue)
                input["bodyFields"] = body["properties"] ?? .object(body)
            }
            var schema: JSONObject = ["input": .object(input)]
            schema["output"] = self.output.map { .object($0.schema ?? Self.info($0)) }
            return .object(schema)
        }

        /// The parameters of a path that this pattern matches, as they stand there.
        private func values(in path: Substring) -> JSONObject {
            var (values, rest): (JSONObject, Substring?) = ([:], path.dropFirst())
            for segment in self.segments {
                guard let left = rest else { return values }
                if case .rest(let name) = segment {
                    values[name] = .string(String(left))
                    return values
                }
                let end = left.firstIndex(of: "/") ?? left.endIndex
                if case .parameter(let name) = segment { values[name] = .string(String(left[..<end])) }
                rest = end == left.endIndex ? nil : left[left.index(after: end)...]
            }
            return values
        }

        // MARK: Schemas

        /// Facilitators hold `info` against the schema, so what has no example asks for nothing in it.
        private func inputSchema(examples: JSONObject, parameters: [String]) -> JSON {
            var properties: JSONObject = ["type": ["type": "string", "const": "http"]]
            properties["method"] = ["type": "string", "enum": [.string(self.method)]]
            var required: [JSON] = ["type", "method"]
            if self.takesBody {
                properties["bodyType"] = ["type": "string", "enum": [.string(self.input.bodyType.rawValue)]]
                properties["body"] = .object(self.bodySchema)
                required += ["bodyType", "body"]
            }
            if !self.input.query.isEmpty {
                var query: JSONObject = ["type": "object", "properties": .object(self.input.query)]
                let asked = self.input.required.filter { examples[$0] != nil }
                if !asked.isEmpty { query["required"] = .array(asked.map(JSON.string)) }
                properties["queryParams"] = .object(query)
            }
            if !parameters.isEmpty {
                var path: JSONObject = [:]
                for name in parameters { path[name] = self.pathSchema(name) }
                properties["pathParams"] = ["type": "object", "properties": .object(path)]
            }
            return [
                "type": "object", "properties": .object(properties), "required": .array(required), "additionalProperties": false,
            ]
        }

        private var bodySchema: JSONObject {
            guard var schema = self.input.body else { return [:] }
            guard let example = schema["example"] else {
                return schema["description"].map { ["properties": schema["properties"] ?? [:], "description": $0] }
                    ?? ["properties": schema["properties"] ?? [:]]
            }
            let asked = schema["required"]?.strings?.filter { example[$0] != nil } ?? []
            schema["required"] = asked.isEmpty ? nil : .array(asked.map(JSON.string))
            schema["example"] = nil
            return schema
        }

        /// What stands in a path is text, whatever it is read as.
        private func pathSchema(_ name: String) -> JSON {
            var schema: JSONObject = ["type": "string"]
            schema["description"] = self.input.path[name]?["description"]
            return .object(schema)
        }

        private static func examples(_ schemas: JSONObject) -> JSONObject {
            var examples: JSONObject = [:]
            for (name, schema) in schemas.members { examples[name] = schema["example"] }
            return examples
        }

        private static func info(_ output: Output) -> JSONObject {
            let isJSON = output.mimeType.contains("json")
            var info: JSONObject = ["type": .string(isJSON ? "json" : "text")]
            if !isJSON { info["format"] = .string(output.mimeType) }
            info["example"] = output.example
            return info
        }

        private static func schema(_ output: Output) -> JSON {
            var properties: JSONObject = ["type": ["type": "string"]]
            properties["format"] = ["type": "string"]
            if output.example != nil || output.schema != nil { properties["example"] = .object(output.schema ?? [:]) }
            return ["type": "object", "properties": .object(properties), "required": ["type"]]
        }
    }
}

extension X402V2.Bazaar.Segment {
    /// The name of what is no literal.
    public var name: String? {
        switch self {
        case .literal: nil
        case .parameter(let name), .rest(let name): name
        }
    }
}
