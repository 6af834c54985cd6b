// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// `/openapi.json`: how every listed route is called (OpenAPI 3.1), and in `x-payment-info` what it costs. That member has what
/// x402 directories read (`protocols`, `price`) and the `offers` of the `Payment` scheme's discovery. What counts is the 402.
struct OpenAPIDocument {
    /// Keys of a path item that hold operations.
    private static let methods: Set<String> = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]

    private let discovery: Discovery
    private let publicURL: Origin
    private let resources: [ListedResource]

    init(_ discovery: Discovery, publicURL: Origin, resources: [ListedResource]) {
        self.discovery = discovery
        self.publicURL = publicURL
        self.resources = resources.filter { Self.methods.contains($0.method) }
    }

    var json: JSON {
        var info: JSONObject = ["title": .string(self.discovery.title), "version": "1"]
        if !self.discovery.description.isEmpty { info["description"] = .string(self.discovery.description) }
        return [
            "openapi": "3.1.0", "info": .object(info), "servers": [["url": .string(self.publicURL.description)]],
            "x-service-info": ["docs": ["llms": .string("\(self.publicURL)\(DiscoveryDocuments.Kind.llms.rawValue)")]],
            "paths": .object(self.paths),
        ]
    }

    /// Two templates that differ in names alone are one path; the first names it.
    private var paths: JSONObject {
        var (paths, names): (JSONObject, [String: [X402V2.Bazaar.Segment]]) = ([:], [:])
        for resource in self.resources {
            let shape = resource.segments.map { segment in
                if case .literal(let text) = segment { "/" + text } else { "/{}" }
            }.joined()
            let segments = names[shape] ?? resource.segments
            names[shape] = segments
            let path = ListedResource.path(segments)
            var item = paths[path]?.object ?? [:]
            let method = resource.method.lowercased()
            guard item[method] == nil else { continue }
            item[method] = self.operation(resource, segments)
            paths[path] = .object(item)
        }
        return paths
    }

    private func operation(_ resource: ListedResource, _ segments: [X402V2.Bazaar.Segment]) -> JSON {
        var operation: JSONObject = [:]
        if !resource.description.isEmpty { operation["summary"] = .string(resource.description) }
        let parameters = self.parameters(resource, segments)
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body = resource.listing.input.body {
            let media = Self.mediaType(resource.listing.input.bodyType)
            operation["requestBody"] = [
                "required": true, "content": .object([media: .object(Self.content(schema: body, example: body["example"]))]),
            ]
        }
        var responses: JSONObject = ["200": .object(Self.success(resource.listing.output))]
        if let (offer, dialects) = resource.sale {
            responses["402"] = [
                "description": "Payment Required",
                "headers": ["PAYMENT-REQUIRED": ["description": "x402 version 2", "schema": ["type": "string"]]],
            ]
            operation["x-payment-info"] = Self.paymentInfo(offer, dialects, resource)
        }
        operation["responses"] = .object(responses)
        return .object(operation)
    }

    private func parameters(_ resource: ListedResource, _ segments: [X402V2.Bazaar.Segment]) -> [JSON] {
        let input = resource.listing.input
        let path = zip(segments, resource.segments).compactMap { named, own -> JSON? in
            guard let name = named.name, let ownName = own.name else { return nil }
            var schema = input.path[ownName]?.object ?? ["type": "string"]
            if case .rest = own, schema["description"] == nil {
                schema["description"] = "The rest of the path, slashes included."
            }
            return .object(Self.parameter(name, in: "path", isRequired: true, schema: schema))
        }
        return path
            + input.query.members.map { name, schema in
                .object(
                    Self.parameter(
                        name, in: "query", isRequired: input.required.contains(name), schema: schema.object ?? [:]))
            }
    }

    private static func parameter(_ name: String, in place: String, isRequired: Bool, schema: JSONObject) -> JSONObject {
        var (schema, parameter): (JSONObject, JSONObject) = (schema, ["name": .string(name), "in": .string(place)])
        if isRequired { parameter["required"] = true }
        parameter["description"] = schema["description"]
        parameter["example"] = schema["example"]
        (schema["description"], schema["example"]) = (nil, nil)
        parameter["schema"] = .object(schema)
        return parameter
    }

    private static func success(_ output: X402V2.Bazaar.Output?) -> JSONObject {
        var response: JSONObject = ["description": "The answer"]
        if let output {
            let content = self.content(schema: output.schema, example: output.example)
            response["content"] = .object([output.mimeType: .object(content)])
        }
        return response
    }

    private static func content(schema: JSONObject?, example: JSON?) -> JSONObject {
        var content: JSONObject = [:]
        if var schema {
            schema["example"] = nil
            content["schema"] = .object(schema)
        }
        content["example"] = example
        return content
    }

    private static func mediaType(_ type: X402V2.Bazaar.BodyType) -> String {
        switch type {
        case .json: "application/json"
        case .formData: "multipart/form-data"
        case .text: "text/plain"
        }
    }

    private static func paymentInfo(_ offer: Offer, _ dialects: [any Dialect], _ resource: ListedResource) -> JSON {
        var protocols: [String] = []
        for dialect in dialects {
            let name = dialect.id.description.hasPrefix("x402") ? "x402" : dialect.id.description
            if !protocols.contains(name) { protocols.append(name) }
        }
        var info: JSONObject = ["protocols": .array(protocols.map(JSON.string))]
        info["price"] = resource.listing.dollars.map { ["mode": "fixed", "currency": "USD", "amount": .string($0)] }
        info["accessSeconds"] = resource.accessSeconds.map(JSON.integer)
        info["offers"] = .array(
            offer.options.map { option in
                [
                    "intent": "charge",
                    "method": .string(option.network.namespace == "eip155" ? "evm" : option.network.namespace),
                    "amount": .string(option.amount.description), "currency": .string(option.asset.address),
                    "description": .string(option.display), "network": .string(option.network.description),
                    "payTo": .string(option.payTo),
                ]
            })
        return .object(info)
    }
}
