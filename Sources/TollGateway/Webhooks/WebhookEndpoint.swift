// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// Who is told what happens, and how it can know that we tell it.
public struct WebhookEndpoint: Sendable {
    /// Its name in the ledger. Nothing secret: a URL may hold a key.
    public let name: String
    /// Where it listens.
    public let url: URLParts
    /// What it is told.
    public let events: Set<WebhookEvent>
    /// Authenticates a message under each of its secrets, the newest first: HMAC-SHA256, 32 bytes each.
    public let authenticate: @Sendable (_ message: [UInt8]) -> [[UInt8]]

    /// An endpoint by all its fields.
    public init(
        name: String, url: URLParts, events: Set<WebhookEvent>,
        authenticate: @escaping @Sendable (_ message: [UInt8]) -> [[UInt8]]
    ) {
        self.name = name
        self.url = url
        self.events = events
        self.authenticate = authenticate
    }
}

/// What can be told.
public enum WebhookEvent: String, Hashable, Sendable, CaseIterable {
    /// A payment's Transfer was seen on the chain, or it was paid out of credit.
    case paymentSettled = "payment.settled"
    /// A payment's money did not move and will not.
    case paymentFailed = "payment.failed"
    /// Money was taken and nothing delivered.
    case debtCreated = "debt.created"
    /// An account that pays for settlements is running out of gas.
    case signerLowGas = "signer.low_gas"

    /// The kind of a notice in the ledger.
    var kind: String {
        switch self {
        case .paymentSettled: "settled"
        case .paymentFailed: "failed"
        case .debtCreated: "owed"
        case .signerLowGas: "low_gas"
        }
    }

    init?(kind: String) {
        guard let event = Self.allCases.first(where: { $0.kind == kind }) else { return nil }
        self = event
    }
}
