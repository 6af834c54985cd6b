// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives

/// The documents about the routes, written once when the routes are made.
struct DiscoveryDocuments: Sendable {
    /// Which document, by its path.
    enum Kind: String, CaseIterable {
        /// Where everything priced is, for crawlers.
        case wellKnown = "/.well-known/x402"
        /// The directory in the form that facilitators have theirs.
        case resources = "/discovery/resources"
        /// How everything is called and what it costs.
        case openAPI = "/openapi.json"
        /// The same for agents that read text.
        case llms = "/llms.txt"

        var path: ArraySlice<UInt8> { Array(self.rawValue.utf8)[...] }

        var mediaType: String { self == .llms ? "text/plain; charset=utf-8" : "application/json" }
    }

    /// How long others may keep a document, in seconds. The 402 is what counts, so an old one misleads nobody for long.
    private static let goodForSeconds = 300
    private static let paths = Kind.allCases.map { (kind: $0, path: Array($0.rawValue.utf8)) }

    private let wellKnown: [UInt8]
    private let openAPI: [UInt8]
    private let llms: [UInt8]
    private let directory: ResourceDirectory

    /// - Parameter time: When the routes were made, in seconds since 1970.
    init(_ discovery: Discovery, publicURL: Origin, resources: [ListedResource], time: Int64) {
        let priced = resources.filter { $0.sale != nil }
        var wellKnown: JSONObject = ["version": 1, "resources": .array(priced.map { .string($0.url) })]
        if !discovery.signers.isEmpty { wellKnown["signers"] = .array(discovery.signers.map(JSON.string)) }
        self.wellKnown = JSON.object(wellKnown).utf8
        self.openAPI = OpenAPIDocument(discovery, publicURL: publicURL, resources: resources).json.utf8
        self.llms = Array(AgentText(discovery, publicURL: publicURL, resources: resources).text.utf8)
        self.directory = ResourceDirectory(priced, time: time)
    }

    /// The document at a path.
    func kind(at path: ArraySlice<UInt8>) -> Kind? {
        Self.paths.first { $0.path.elementsEqual(path) }?.kind
    }

    /// The answer to a request for a document.
    func answer(_ kind: Kind, _ request: RequestHead) -> (head: ResponseHead, body: [UInt8]) {
        let body =
            switch kind {
            case .wellKnown: self.wellKnown
            case .openAPI: self.openAPI
            case .llms: self.llms
            case .resources: self.directory.page(QueryText(request.query ?? []))
            }
        return (
            ResponseHead(
                status: 200,
                fields: ["Content-Type": kind.mediaType, "Cache-Control": "max-age=\(Self.goodForSeconds)"]),
            body
        )
    }
}
