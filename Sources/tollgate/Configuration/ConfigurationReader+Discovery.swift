// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime

/// What directories and agents are told about the routes.
extension ConfigurationReader {
    private static let discoveryKeys = ["name", "description", "tags", "icon", "offers"]
    private static let inputKeys = ["path", "query", "required", "body", "body_type"]
    private static let outputKeys = ["type", "schema", "example"]
    /// Of the x402 specification, "ResourceInfo": what is longer is dropped by directories.
    private static let (nameByteCountMax, tagCountMax, iconByteCountMax) = (32, 5, 2_048)
    /// It travels in the 402's field, and comes back in the payment's: clients read 8 to 16 KiB of fields.
    private static let describedByteCountMax = 2_048

    /// `discovery:`; nil when nothing is to be told.
    mutating func discovery(_ value: ConfigurationValue?, publicURL: WebURL?) -> Discovery? {
        var discovery = Discovery(title: publicURL?.text ?? "")
        guard let value else { return discovery }
        if value.scalarText == "false" { return nil }
        guard let mapping = value.mapping(keys: Self.discoveryKeys, &self.findings) else { return discovery }
        if let name = mapping["name"].flatMap({ self.serviceWord($0) }) {
            discovery.title = name
            discovery.service.name = name
        }
        discovery.description = mapping["description"].flatMap { self.routeDescription($0) } ?? ""
        if let tags = mapping["tags"], let items = tags.listOrSingle(&self.findings) {
            if items.count > Self.tagCountMax {
                tags.refuse("has \(items.count) tags", remedy: "write at most \(Self.tagCountMax)", &self.findings)
            }
            discovery.service.tags = items.compactMap { self.serviceWord($0) }
        }
        discovery.service.iconURL = mapping["icon"].flatMap { self.icon($0) }
        discovery.describesOffers = mapping["offers"]?.boolean(&self.findings) ?? true
        return discovery
    }

    private mutating func serviceWord(_ value: ConfigurationValue) -> String? {
        guard let text = value.text(example: "weather", &self.findings) else { return nil }
        guard text.utf8.count <= Self.nameByteCountMax, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            let remedy = "write at most \(Self.nameByteCountMax) printable ASCII characters"
            value.refuse("is too long, or not plain", remedy: remedy, &self.findings)
            return nil
        }
        return text
    }

    private mutating func icon(_ value: ConfigurationValue) -> String? {
        guard let url = value.url(&self.findings) else { return nil }
        guard url.text.utf8.count <= Self.iconByteCountMax else {
            value.refuse("is too long", remedy: "write at most \(Self.iconByteCountMax) characters", &self.findings)
            return nil
        }
        return url.text
    }

    /// What a route says of itself; nil when it is not listed. Priced routes are, unless they say otherwise.
    mutating func listing(
        _ mapping: ConfigurationMapping, isFree: Bool, description: String?, options: [Configuration.PaymentOption]
    ) -> Listing? {
        let isListed = mapping["listed"]?.boolean(&self.findings) ?? !isFree
        var listing = Listing(description: description ?? "")
        if let input = mapping["input"] { listing.input = self.input(input) }
        if let output = mapping["output"] { listing.output = self.output(output) }
        listing.dollars = options.first(where: \.asset.isDollarPegged).map { option in
            DecimalAmount(units: option.amount, decimals: option.asset.decimals).description
        }
        guard isListed else {
            for key in ["input", "output"] {
                let remedy = isFree ? "write `listed: true`, or remove the line" : "remove the line"
                mapping[key]?.report(.warning, "does nothing on a route that is not listed", remedy: remedy, &self.findings)
            }
            return nil
        }
        return listing
    }

    private mutating func input(_ value: ConfigurationValue) -> X402V2.Bazaar.Input {
        var input = X402V2.Bazaar.Input()
        guard let mapping = value.mapping(keys: Self.inputKeys, &self.findings) else { return input }
        input.path = mapping["path"].map { self.schemas($0) } ?? [:]
        input.query = mapping["query"].map { self.schemas($0) } ?? [:]
        for item in mapping["required"]?.listOrSingle(&self.findings) ?? [] {
            guard let name = item.text(example: "units", &self.findings) else { continue }
            guard input.query[name] != nil else {
                item.refuse("`\(Finding.excerpt(name))` is not among `query`", remedy: "describe it there", &self.findings)
                continue
            }
            input.required.append(name)
        }
        input.body = mapping["body"].flatMap { self.schema($0) }
        let types = X402V2.Bazaar.BodyType.allCases.map(\.rawValue)
        let type = mapping["body_type"]?.choice(of: types, &self.findings).flatMap(X402V2.Bazaar.BodyType.init)
        input.bodyType = type ?? .json
        return input
    }

    private mutating func output(_ value: ConfigurationValue) -> X402V2.Bazaar.Output? {
        guard let mapping = value.mapping(keys: Self.outputKeys, &self.findings) else { return nil }
        var output = X402V2.Bazaar.Output()
        if let type = mapping["type"]?.text(example: "application/json", &self.findings) { output.mimeType = type }
        output.schema = mapping["schema"].flatMap { self.schema($0) }
        output.example = mapping["example"]?.json
        if let example = mapping["example"] { self.checkSize(example) }
        return output
    }

    private mutating func schemas(_ value: ConfigurationValue) -> JSONObject {
        guard let mapping = value.mapping(example: "city: {type: string}", &self.findings) else { return [:] }
        var schemas: JSONObject = [:]
        for (name, value) in mapping.entries { schemas[name] = self.schema(value).map(JSON.object) }
        return schemas
    }

    /// A JSON Schema. References to elsewhere are refused, as directories refuse them.
    private mutating func schema(_ value: ConfigurationValue) -> JSONObject? {
        guard value.mapping(example: "type: string", &self.findings) != nil, let schema = value.json.object else { return nil }
        self.checkSize(value)
        guard !Self.refersElsewhere(.object(schema)) else {
            value.refuse("refers to another document", remedy: "write the schema itself, without `$ref` or `$id`", &self.findings)
            return nil
        }
        return schema
    }

    private mutating func checkSize(_ value: ConfigurationValue) {
        let count = value.json.utf8.count
        guard count > Self.describedByteCountMax else { return }
        let remedy = "write at most \(Self.describedByteCountMax) bytes: it travels in every 402"
        value.refuse("is \(count) bytes of JSON", remedy: remedy, &self.findings)
    }

    private static func refersElsewhere(_ json: JSON) -> Bool {
        switch json {
        case .object(let object):
            object.members.contains { name, value in
                let isReference = (name == "$ref" || name == "$id") && !(value.string?.hasPrefix("#") ?? false)
                return isReference || self.refersElsewhere(value)
            }
        case .array(let items): items.contains(where: self.refersElsewhere)
        default: false
        }
    }
}

extension ConfigurationValue {
    /// The value as JSON, scalars that are not quoted read as the core schema of YAML 1.2 (§10.3) reads them.
    var json: JSON {
        switch self.node.content {
        case .scalar(let text, isQuoted: true): .string(text)
        case .scalar(let text, isQuoted: false): Self.json(plain: text)
        case .sequence(let items): .array(items.map { ConfigurationValue($0, file: self.file, path: self.path).json })
        case .mapping(let entries):
            .object(
                entries.reduce(into: JSONObject()) { object, entry in
                    object[entry.key] = ConfigurationValue(entry.value, file: self.file, path: self.path).json
                })
        case .refused: .null
        }
    }

    private static func json(plain text: String) -> JSON {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: break
        }
        // JSON's own grammar of numbers, so that what is written is what is sent.
        if let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            case .number(let number)? = try? JSON(parsing: Array(text.utf8))
        {
            return .number(number)
        }
        return .string(text)
    }
}
