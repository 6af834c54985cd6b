// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// A server behind the gateway, or several that do the same.
public struct Upstream: Hashable, Sendable {
    /// One of several.
    public struct Address: Hashable, Sendable {
        /// Where it listens.
        public var origin: Origin
        /// How many of the requests it gets, beside the others' weights; at least 1.
        public var weight: Int

        /// An address that gets its share.
        public init(_ origin: Origin, weight: Int = 1) {
            self.origin = origin
            self.weight = weight
        }
    }

    /// How its addresses are asked whether they are well.
    public struct HealthCheck: Hashable, Sendable {
        /// Asked with GET; an answer below 400 is good.
        public var target: String
        /// How often.
        public var interval: Duration

        /// Asks for `target` every `interval`.
        public init(target: String, interval: Duration = .seconds(10)) {
            self.target = target
            self.interval = interval
        }
    }

    /// When an address that fails is left alone, and for how long.
    public struct Breaker: Hashable, Sendable {
        /// So many failures one after the other. One may be the request's fault, three in a row hardly are.
        public var failureCount = 5
        /// The first rest; each further one, when the request that tries it again fails too, is twice as long.
        public var restMin = Duration.seconds(1)
        /// No longer, so that an upstream that is back is found soon.
        public var restMax = Duration.seconds(30)

        /// The defaults.
        public init() {}
    }

    /// Its name in the configuration.
    public var name: String
    /// Where it listens; never empty.
    public var addresses: [Address]
    /// How long it may take until the head of its answer is here.
    public var timeout: Duration
    /// How long one attempt to connect may take; nil for what the client has.
    public var connectTimeout: Duration?
    /// Connections that may be open to one address, in each loop; nil for what the client has. Further requests wait.
    public var connections: Int?
    /// The longest silence within a body, between events, and in a WebSocket.
    public var idleTimeout = Duration.seconds(60)
    /// Fields of its answers that clients do not see.
    public var strip: [FieldName]
    /// How it is spoken to over TLS.
    public var security = ClientSecurity()
    /// Nil when it is known by its answers alone.
    public var health: HealthCheck?
    /// When it is left alone.
    public var breaker = Breaker()
    /// Whether a call is answered by leave to pass, which is given once, and not by a server.
    var isAdmission = false

    /// An upstream at one address.
    public init(name: String, origin: Origin, timeout: Duration = .seconds(30), strip: [FieldName] = []) {
        self.init(name: name, addresses: [Address(origin)], timeout: timeout, strip: strip)
    }

    /// An upstream at several addresses.
    public init(name: String, addresses: [Address], timeout: Duration = .seconds(30), strip: [FieldName] = []) {
        precondition(!addresses.isEmpty, "An upstream has an address.")
        self.name = name
        self.addresses = addresses
        self.timeout = timeout
        self.strip = strip
    }

    /// A request to one of its addresses, within its limits.
    func request(
        _ method: Method, to origin: Origin, target: [UInt8], fields: Fields = Fields(), body: ClientBody = .none
    ) -> ClientRequest {
        var request = ClientRequest(
            method, origin, target: target, fields: fields, body: body, deadline: self.timeout, bodyIdle: self.idleTimeout)
        request.connectTime = self.connectTimeout
        request.connectionMax = self.connections
        request.security = self.security
        return request
    }
}
