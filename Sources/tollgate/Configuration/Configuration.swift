// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollStoreRedis

/// All that an operator decides, checked: a value of this type has no mistake that can be found without asking a network.
struct Configuration: Sendable {
    /// Where something is written, for findings that come later.
    struct Place: Hashable, Sendable {
        var path: String
        var line: Int
    }

    /// A way to offer and take payments over HTTP.
    enum Dialect: String, Hashable, Sendable, CaseIterable {
        case x402
        case x402v1 = "x402-v1"
        case transferProof = "transfer-proof"

        /// What every priced route offers unless it says otherwise.
        static let usual: [Dialect] = [.x402, .x402v1]
    }

    /// Whether clients may, or must, give their payments names of their own.
    enum PaymentIdentifier: String, Hashable, Sendable, CaseIterable {
        /// They are not looked at.
        case off
        /// They may.
        case optional
        /// They must.
        case required
    }

    /// Where the ledger is.
    enum Store: Sendable {
        /// One file, served by one process.
        case sqlite(path: String)
        /// A database that many gateways share. The URL may hold a password.
        case postgres(url: Secret<String>)

        /// Whether others may serve from it too.
        var isShared: Bool {
            switch self {
            case .sqlite: false
            case .postgres: true
            }
        }
    }

    /// The file as the operator named it.
    var file: String
    /// Where the gateway listens; at least one place.
    var listen: [Listener]
    /// The origin of the URLs that clients see and sign.
    var publicURL: WebURL
    var admin: Admin?
    /// Where another proxy asks; nil where requests come here.
    var auth: Auth?
    var store: Store
    /// The Redis server that replicas share what may be lost in; nil where each process keeps it for itself.
    var shared: RedisAddress?
    /// Loops; nil for one a core.
    var workers: Int?
    /// In the file's order.
    var networks: [Network]
    var facilitator: Facilitator?
    /// Who pays refunds; nil when they are written for somebody to sign.
    var payouts: Payouts?
    /// Who is told what happens.
    var webhooks: [Webhook]
    /// How long an answer may wait for its settlement.
    var settleWait: Duration
    var deferral: Deferral
    var limits: Limits
    /// How often one client may ask.
    var rateLimits: RateLimits
    /// What passes are signed with, the newest first; empty for the ledger's own key.
    var passKeys: [Secret<[UInt8]>]
    var cors: CORS
    /// What is told about the routes to whoever has not called them yet; nil for nothing.
    var discovery: Discovery?
    var trustedProxies: TrustedProxies
    var upstreams: [Upstream]
    /// In order: the first that matches a request has it.
    var routes: [Route]
    /// Who may not buy.
    var deny = Deny()
    var log = Log()
    /// What the file says, to tell what a later one changes.
    var written = WrittenSections()

    /// The upstream of this name.
    func upstream(named name: String) -> Upstream? {
        self.upstreams.first { $0.name == name }
    }

    /// A finding about something in this configuration.
    func finding(_ severity: Finding.Severity, at place: Place, _ message: String, remedy: String? = nil) -> Finding {
        Finding(severity, file: self.file, line: place.line, path: place.path, message: message, remedy: remedy)
    }
}

extension Configuration {
    /// The operator's own listener.
    struct Admin: Sendable {
        /// At least one place.
        var listen: [Listener]
        /// Asked of whoever comes, when set; always set where others than this machine reach it.
        var token: ResolvedSecret?
        var place: Place
    }

    /// How deep a settlement must lie before it counts.
    enum Confirmations: Hashable, Sendable {
        /// So many blocks, its own included.
        case blocks(Int)
        /// Below the `safe` block.
        case safe
        /// Below the `finalized` block.
        case finalized
    }

    /// How deep payments over an amount must lie.
    struct ConfirmationsOver: Hashable, Sendable {
        /// In millionths of a dollar.
        var microdollars: UInt64
        var confirmations: Confirmations
    }

    /// How long a chain may take.
    struct Timeouts: Hashable, Sendable {
        /// A call to one node; the next one is asked then.
        var call = Duration.seconds(5)
        /// From sending a transaction until it is sent again with a higher fee.
        var inclusion = Duration.seconds(30)
    }

    /// What a transaction may cost.
    struct Gas: Hashable, Sendable {
        /// The most that is offered for a unit, in gwei (10^-9 ether).
        var maxFeeGwei = 500
        /// Units for one payment.
        var limit = 2_000_000
        /// Units for a batch.
        var batchLimit = 16_000_000
    }

    /// A chain on which payments are taken.
    struct Network: Sendable {
        var id: ChainID
        /// `Base Sepolia`; the id where nothing better is known.
        var name: String
        /// Its name in x402 version 1.
        var v1Name: String?
        /// Nil where it is not known whether its money is worth anything.
        var isTestnet: Bool?
        /// In the order in which they are tried.
        var rpc: [WebURL]
        var confirmations: Confirmations
        /// How deep larger payments must lie.
        var confirmationsOver: [ConfirmationsOver]
        var timeouts: Timeouts
        var gas: Gas
        /// EIP-55 texts of the factories whose counterfactual wallets may pay.
        var erc6492Factories: [String]
        /// The first is the default.
        var assets: [Asset]
        var place: Place
    }

    /// A token in which payments are taken.
    struct Asset: Sendable {
        var token: AssetTable.Asset
        /// Its own entry, or its network's.
        var place: Place
    }

    /// Who verifies and settles.
    struct Facilitator: Sendable {
        /// The keys that pay the gas, by the namespace of their chains.
        var signers: [Signer]
        /// Facilitators of others, in the order in which they are asked.
        var remotes: [Remote]
        var serve: Serve?

        /// A key of ours.
        struct Signer: Sendable {
            var namespace: String
            /// 32 bytes as hexadecimal digits, with or without `0x`.
            var key: ResolvedSecret
            var place: Place
        }

        /// A facilitator of somebody else.
        struct Remote: Sendable {
            var url: WebURL
            /// Fields of each request to it, in order.
            var headers: [(name: String, value: ResolvedSecret)]
            var place: Place
        }

        /// Ours, offered to others.
        struct Serve: Sendable {
            /// At least one place.
            var listen: [Listener]
            /// Empty: callers need none.
            var tokens: [ResolvedSecret]
            /// EIP-55 texts of the only receivers settled for; empty: all.
            var payTo: [String]
            /// Symbols of the only assets settled; empty: all configured.
            var assets: [String]
            /// Gas units that may be spent for others within an hour.
            var gasPerHour: UInt64?
            var place: Place
        }
    }

    /// What is settled later, and together.
    struct Deferral: Sendable {
        var limits = DeferralLimits()
        /// How long a served payment may wait to be settled.
        var maxAge = Duration.seconds(30)
        /// How many are settled together at most.
        var batchSize = 100
    }

    /// What clients may ask of memory, connections and patience.
    struct Limits: Sendable {
        var headerBytes = 16 << 10
        var bodyBytes = 64 << 20
        var connections = 10_000
        /// Where that is written; nil for the default.
        var connectionsPlace: Place?
        /// Payments on their way to the chain at once.
        var settling = 5_000
        var headerCount = 100
        var connectionsPerAddress = 1_000
        var headerTime = Duration.seconds(10)
        var idleTime = Duration.seconds(75)
        var requestsPerConnection = 1_000
        var connectionTime = Duration.seconds(3_600)
        /// Of answers that wait for their payment.
        var holding = HoldingLimits()
        var bodyIdleTime = Duration.seconds(30)
        /// Bytes a second; 0 for any.
        var bodyRate = 500
        var writeIdleTime = Duration.seconds(30)
    }

    /// Who may not buy, and who is asked about it.
    struct Deny: Sendable {
        /// EIP-55 texts.
        var payers: Set<String> = []
        var screen: Screen?

        /// A service that is asked about each payer.
        struct Screen: Sendable {
            var url: WebURL
            var timeout: Duration
            var failsClosed: Bool
            /// How long an answer holds.
            var remembered: Duration
        }
    }

    /// What is logged, and how.
    struct Log: Sendable {
        /// Whether a line is written for each request.
        enum Access: String, Sendable, CaseIterable {
            case off = "false"
            case on = "true"
            /// With the query.
            case query
        }

        var format = Logger.Format.text
        var level = Logger.Level.info
        var access = Access.off
    }

    /// Which web pages may read answers.
    enum CORS: Hashable, Sendable {
        case anyOrigin
        case origins([String])
    }

    /// A server behind the gateway.
    struct Upstream: Sendable {
        /// Where it listens.
        struct Address: Sendable {
            var url: WebURL
            /// Its share of the requests, beside the others' weights.
            var weight = 1
        }

        var name: String
        /// Never empty.
        var addresses: [Address]
        /// From the request until the head of the answer.
        var timeout = Duration.seconds(60)
        var connectTimeout = Duration.seconds(5)
        /// Open to one address, in each loop.
        var connections: Int?
        /// The longest silence within a body.
        var idleTimeout = Duration.seconds(60)
        /// Fields removed from its answers.
        var strip: [String] = []
        /// The path of a PEM file of authorities; nil for the system's.
        var authorities: String?
        var http2 = true
        /// Asked whether it is well; nil when its answers say.
        var health: TollGateway.Upstream.HealthCheck?
        var breaker = TollGateway.Upstream.Breaker()
        var place: Place

        var url: WebURL { self.addresses[0].url }
    }

    /// What happens to the requests that match a pattern.
    struct Route: Sendable {
        var pattern: RoutePattern
        var upstreamName: String
        var description: String?
        /// Whether nothing is asked; never because no way to pay was found.
        var isFree: Bool
        /// What a buyer can choose from; empty exactly when the route is free.
        var options: [PaymentOption]
        var settle: SettleRule
        /// How long an authorization offered here is good.
        var maxTimeout: Duration
        /// False in shadow mode.
        var isEnforced = true
        /// May be called again under one payment.
        var isIdempotent: Bool
        /// Whether the answer is kept for whoever paid and did not get it.
        var storesAnswers: Bool
        var dialects: [Dialect]
        /// Whether it takes the clients' own names for payments.
        var identifiers: PaymentIdentifier
        /// Whether payers may prove themselves by signing in.
        var signIn: Bool
        /// How it is sold to clients that send the money by themselves; nil where it is not.
        var references: ReferenceTerms?
        /// How long a payment opens it to whoever brings the pass, in seconds; nil where it buys one answer.
        var accessSeconds: Int64?
        /// How often one client may ask, here alone.
        var rateLimits: RateLimits
        /// What directories say of it; nil keeps it out of them.
        var listing: Listing?
        var place: Place
    }

    /// One way to pay for a route.
    struct PaymentOption: Sendable {
        var network: ChainID
        var asset: AssetTable.Asset
        /// In the asset's smallest unit; never zero.
        var amount: UInt256
        /// EIP-55 text.
        var payTo: String
        var place: Place
    }
}
