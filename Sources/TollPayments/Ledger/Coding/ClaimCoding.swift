// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

package import TollPrimitives

extension Claim {
    /// The claim as the ledger keeps it. The payload stays as it came, member for member and digit for digit.
    package var stored: JSONObject {
        [
            "key": [
                "network": .string(self.key.network.description), "asset": .string(self.key.asset),
                "payer": .string(self.key.payer), "nonce": .string(self.key.nonce),
            ],
            "payer": .string(self.payer),
            "option": .object(self.option.stored),
            "dialect": .string(self.dialect.name),
            "policy": .string(self.policy.rawValue),
            "payload": .object(self.payload),
            "route": .string(self.route),
            "request": [
                "digest": .hex(self.request.digest), "isRepeatable": .bool(self.request.isRepeatable),
            ],
            "challengeHash": .hex(self.challengeHash),
            "unusedAtBlock": .integer(self.unusedAtBlock),
            "validBefore": .integer(self.validBefore),
            "identifierHash": .hex(self.identifierHash),
            "exposure": .integer(self.exposure),
            "worker": self.worker.map { .string($0.description) } ?? .null,
        ]
    }

    /// Reads what ``stored`` wrote.
    package init(stored members: inout StrictMembers, version: Int) throws(StoreError) {
        var key = try members.members("key")
        var request = try members.members("request")
        self.init(
            key: PaymentKey(
                network: try key.parsed("network") { ChainID($0) },
                asset: try key.string("asset"),
                payer: try key.string("payer"),
                nonce: try key.string("nonce")
            ),
            payer: try members.string("payer"),
            option: try PaymentOption(stored: try members.members("option")),
            dialect: DialectID(try members.string("dialect")),
            policy: try members.parsed("policy") { SettlePolicy(rawValue: $0) },
            payload: try members.object("payload"),
            route: try members.string("route"),
            request: RequestIdentity(
                digest: try request.parsedIfAny("digest") { Bytes32(hex: $0) },
                isRepeatable: try request.bool("isRepeatable")
            ),
            challengeHash: try members.parsedIfAny("challengeHash") { Bytes32(hex: $0) },
            unusedAtBlock: try members.integer("unusedAtBlock"),
            validBefore: try members.integer("validBefore"),
            identifierHash: version == 1 ? nil : try members.parsedIfAny("identifierHash") { Bytes32(hex: $0) },
            exposure: version == 1 ? 0 : try members.integer("exposure"),
            worker: version < 3 ? nil : try members.parsedIfAny("worker") { WorkerID($0) }
        )
        try key.end()
        try request.end()
    }
}

extension PaymentOption {
    /// The option as the ledger keeps it.
    var stored: JSONObject {
        [
            "scheme": .string(self.scheme),
            "asset": [
                "network": .string(self.asset.network.description), "address": .string(self.asset.address),
                "symbol": .string(self.asset.symbol), "decimals": .integer(self.asset.decimals),
                "domainName": .string(self.asset.domainName), "domainVersion": .string(self.asset.domainVersion),
            ],
            "amount": .string(self.amount.description),
            "payTo": .string(self.payTo),
            "maxTimeoutSeconds": .integer(self.maxTimeoutSeconds),
        ]
    }

    /// Reads what ``stored`` wrote.
    init(stored: StrictMembers) throws(StoreError) {
        var members = stored
        var asset = try members.members("asset")
        self.init(
            scheme: try members.string("scheme"),
            asset: Asset(
                network: try asset.parsed("network") { ChainID($0) },
                address: try asset.string("address"),
                symbol: try asset.string("symbol"),
                decimals: try asset.integer("decimals"),
                domainName: try asset.string("domainName"),
                domainVersion: try asset.string("domainVersion")
            ),
            amount: try members.parsed("amount") { UInt256(decimal: $0) },
            payTo: try members.string("payTo"),
            maxTimeoutSeconds: try members.integer("maxTimeoutSeconds")
        )
        try asset.end()
        try members.end()
    }
}

extension JSON {
    /// A digest in hexadecimal, or null.
    fileprivate static func hex(_ digest: Bytes32?) -> JSON {
        digest.map { .string($0.hex) } ?? .null
    }

    /// Levels of arrays and objects.
    var depth: Int {
        switch self {
        case .array(let elements): 1 + elements.reduce(0) { max($0, $1.depth) }
        case .object(let object): 1 + object.members.reduce(0) { max($0, $1.value.depth) }
        default: 0
        }
    }
}
