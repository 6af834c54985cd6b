// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// `GET /discovery/resources`: what is for sale, in the form in which facilitators list it (x402 specification v2, "Discovery
/// API"). The items are written once; a request chooses among them.
struct ResourceDirectory: Sendable {
    private struct Item: Sendable {
        let json: JSON
        let payTo: Set<String>
        let schemes: Set<String>
        let networks: Set<String>
        let extensions: Set<String>
    }

    /// Of the specification.
    private static let (limitDefault, limitMax) = (20, 100)

    private let items: [Item]

    /// - Parameter time: When the items were made, in seconds since 1970.
    init(_ resources: [ListedResource], time: Int64) {
        let made = CalendarTime.rfc3339(seconds: time)
        self.items = resources.compactMap { Self.item($0, made: made) }
    }

    /// Nil when no dialect of the route is listed anywhere.
    private static func item(_ resource: ListedResource, made: String) -> Item? {
        guard let (offer, dialects) = resource.sale, let listing = dialects.lazy.compactMap({ $0.listing(of: offer) }).first
        else {
            return nil
        }
        var json: JSONObject = ["resource": .string(offer.resource), "type": "http"]
        for (name, value) in listing.members { json[name] = value }
        json["lastUpdated"] = .string(made)
        if !resource.description.isEmpty { json["description"] = .string(resource.description) }
        json["mimeType"] = offer.mimeType.map(JSON.string)
        json["serviceName"] = offer.service.name.map(JSON.string)
        if !offer.service.tags.isEmpty { json["tags"] = .array(offer.service.tags.map(JSON.string)) }
        json["iconUrl"] = offer.service.iconURL.map(JSON.string)
        if let bazaar = offer.bazaar {
            json["extensions"] = [X402V2.Bazaar.name: bazaar.entry()]
            json["routeTemplate"] = bazaar.routeTemplate.map(JSON.string)
        }
        return Item(
            json: .object(json), payTo: Set(offer.options.map { $0.payTo.lowercased() }),
            schemes: Set(offer.options.map(\.scheme)),
            networks: Set(offer.options.map(\.network.description)),
            extensions: offer.bazaar == nil ? [] : [X402V2.Bazaar.name])
    }

    /// The page that a query asks for. Numbers that are none are passed over, as directories do.
    func page(_ query: QueryText) -> [UInt8] {
        let found = self.items.filter { item in
            query["type"].map { $0 == "http" } ?? true && query["payTo"].map { item.payTo.contains($0.lowercased()) } ?? true
                && query["scheme"].map(item.schemes.contains) ?? true && query["network"].map(item.networks.contains) ?? true
                && query["extensions"].map { $0.split(separator: ",").allSatisfy { item.extensions.contains(String($0)) } }
                    ?? true
        }
        let limit = min(query["limit"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? Self.limitDefault, Self.limitMax)
        let offset = min(query["offset"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 0, found.count)
        return JSON.object([
            "x402Version": .integer(X402Version.v2.rawValue), "items": .array(found[offset...].prefix(limit).map(\.json)),
            "pagination": ["limit": .integer(limit), "offset": .integer(offset), "total": .integer(found.count)],
        ]).utf8
    }
}

/// The names and values of a query as forms write it (WHATWG URL, `application/x-www-form-urlencoded`).
struct QueryText {
    private let pairs: [(name: String, value: String)]

    init(_ query: ArraySlice<UInt8>) {
        self.pairs = query.split(separator: UInt8(ascii: "&")).map { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            return (Self.decoded(name), Self.decoded(pair.dropFirst(name.count + 1)))
        }
    }

    /// The first value of `name`; nil when it is not there or empty.
    subscript(name: String) -> String? {
        self.pairs.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> String {
        var (bytes, rest): ([UInt8], ArraySlice<UInt8>) = ([], text)
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = Hex.decode(utf8: rest.prefix(2))?.first, rest.count >= 2 {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
