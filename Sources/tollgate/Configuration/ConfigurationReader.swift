// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollPrimitives
import TollRuntime

/// Reads a configuration file whole: either a `Configuration`, or every mistake that keeps it from being one.
///
/// Each section is read on its own and stays nil when it is wrong; what spans sections is checked as far as its parts are
/// known, so that one mistake makes one finding.
struct ConfigurationReader {
    let file: String
    let table: AssetTable
    let secrets: SecretSource
    var findings = Findings()

    // What was declared, also by entries that turned out wrong: whoever refers to one of those is not at fault.
    var declaredUpstreams: [String] = []
    var declaredNetworks: Set<ChainID> = []
    /// Networks with an `rpc` of which nothing was usable.
    var refusedRPC: Set<ChainID> = []

    // What the review needs to know of routes, also of those that turned out wrong.
    var referencedUpstreams: Set<String> = []
    var patterns: [(pattern: RoutePattern, place: Configuration.Place)] = []
    var pricedPlace: Configuration.Place?
    var networksWithoutReceiver: Set<ChainID> = []
    /// Whether another proxy asks, so that nothing of an answer is seen.
    var isForwardAuth = false

    private static let keys = [
        "listen", "public_url", "admin", "store", "shared", "workers", "networks", "pay_to", "facilitator", "accept",
        "settle_wait", "settle", "max_timeout", "deferred", "deny", "payouts", "limits", "cors", "upstreams", "routes",
        "payment_identifier", "sign_in", "auth", "discovery", "webhooks", "trusted_proxies", "rate_limits", "log", "passes",
        "transfer_proof",
    ]

    init(file: String, table: AssetTable, secrets: SecretSource) {
        self.file = file
        self.table = table
        self.secrets = secrets
    }

    /// The configuration in `bytes`, nil when `findings` has errors. Warnings come with either.
    static func read(
        _ bytes: [UInt8],
        file: String,
        table: AssetTable,
        secrets: SecretSource = .process
    ) -> (configuration: Configuration?, findings: Findings) {
        var reader = Self(file: file, table: table, secrets: secrets)
        guard let node = YAMLParser(file: file).parse(bytes, findings: &reader.findings) else { return (nil, reader.findings) }
        var configuration = reader.configuration(ConfigurationValue(node, file: file))
        configuration?.written = WrittenSections(node)
        return (reader.findings.hasErrors ? nil : configuration, reader.findings)
    }

    /// The file at `path`, as above.
    static func read(
        path: String,
        table: AssetTable,
        secrets: SecretSource = .process
    ) -> (configuration: Configuration?, findings: Findings) {
        do throws(FileError) {
            let bytes = try FileContents.read(path, byteCountMax: YAMLParser.Limits().byteCountMax)
            return self.read(bytes, file: path, table: table, secrets: secrets)
        } catch {
            var findings = Findings()
            findings.add(
                .error,
                file: path,
                line: 0,
                "cannot be read: \(error.reason)",
                remedy: "name another file with `--config`"
            )
            return (nil, findings)
        }
    }

    private mutating func configuration(_ value: ConfigurationValue) -> Configuration? {
        guard !value.node.isNull else {
            value.refuse("the file is empty", remedy: "write at least `upstreams:` and `routes:`", &self.findings)
            return nil
        }
        guard let root = value.mapping(keys: Self.keys, &self.findings) else { return nil }
        let auth = self.auth(root)
        let listen = self.listeners(root["listen"])
        let publicURL = self.publicURL(root, listen: listen)
        let admin = self.admin(root)
        let store = self.store(root)
        let shared = root["shared"].flatMap { self.shared($0) }
        let workers = root["workers"]?.integer(in: 1...256, &self.findings)
        let networks = self.networks(root)
        let facilitator = self.facilitator(root, networks: networks)
        let payouts = self.payouts(root["payouts"], beside: facilitator?.signers ?? [])
        let webhooks = self.webhooks(root["webhooks"])
        let settleWait = self.duration(root["settle_wait"], in: .seconds(1) ... .seconds(600), default: .seconds(30))
        let deferral = self.deferral(root["deferred"])
        let limits = self.limits(root["limits"])
        let rateLimits = self.rateLimits(root["rate_limits"])
        let passKeys = self.passKeys(root["passes"])
        let cors = self.cors(root["cors"])
        let discovery = self.discovery(root["discovery"], publicURL: publicURL)
        let trustedProxies = self.trustedProxies(root["trusted_proxies"])
        let upstreams = self.upstreams(root["upstreams"])
        let deny = self.deny(root["deny"])
        let log = self.log(root["log"])

        let defaults = self.routeDefaults(root)
        let routes = self.routes(root, networks: networks, defaults: defaults)
        let sections = Sections(
            listen: self.isForwardAuth
                ? auth.map { [Configuration.Listener(location: .address($0.listen), place: $0.place)] } ?? [] : listen ?? [],
            admin: admin,
            networks: networks,
            facilitator: facilitator,
            deferral: deferral,
            upstreams: self.isForwardAuth ? [] : upstreams,
            routes: routes
        )
        self.review(sections, root)
        self.reviewSigners(routes, isListed: discovery != nil, root)
        self.reviewAccess(routes, rateLimits)
        guard listen != nil, let publicURL, let store else { return nil }
        return Configuration(
            file: self.file, listen: sections.listen, publicURL: publicURL, admin: admin, auth: auth, store: store,
            shared: shared, workers: workers, networks: networks, facilitator: facilitator, payouts: payouts,
            webhooks: webhooks, settleWait: settleWait, deferral: deferral, limits: limits, rateLimits: rateLimits,
            passKeys: passKeys, cors: cors,
            discovery: discovery, trustedProxies: trustedProxies, upstreams: upstreams, routes: routes, deny: deny, log: log
        )
    }

    // MARK: Small helpers of the sections

    mutating func duration(
        _ value: ConfigurationValue?,
        in range: ClosedRange<Duration>,
        default defaultValue: Duration
    ) -> Duration {
        value?.duration(in: range, &self.findings) ?? defaultValue
    }

    /// An offer must leave time to be signed, sent and settled, and an authorization that is good for days is a liability.
    mutating func maxTimeout(_ value: ConfigurationValue?) -> Duration? {
        value?.duration(in: .seconds(10) ... .seconds(86_400), &self.findings)
    }

    mutating func dialects(_ value: ConfigurationValue) -> [Configuration.Dialect]? {
        guard let items = value.listOrSingle(&self.findings) else { return nil }
        guard !items.isEmpty else {
            value.refuse("is empty, so that nobody could pay", remedy: "write `accept: [x402, x402-v1]`", &self.findings)
            return nil
        }
        var dialects: [Configuration.Dialect] = []
        for item in items {
            let names = Configuration.Dialect.allCases.map(\.rawValue)
            guard let dialect = item.choice(of: names, &self.findings).flatMap(Configuration.Dialect.init) else { continue }
            guard !dialects.contains(dialect) else {
                item.refuse("`\(dialect.rawValue)` is written twice", remedy: "write it once", &self.findings)
                continue
            }
            dialects.append(dialect)
        }
        return dialects.isEmpty ? nil : dialects
    }

    func place(_ value: ConfigurationValue) -> Configuration.Place {
        Configuration.Place(path: value.path, line: value.line)
    }
}
