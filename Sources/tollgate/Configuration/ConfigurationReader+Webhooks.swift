// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollPrimitives
import TollRuntime

extension Configuration {
    /// Who is told what happens.
    struct Webhook: Sendable {
        var url: WebURL
        /// What messages are authenticated with, the newest first.
        var keys: [Secret<[UInt8]>]
        var events: Set<WebhookEvent>
        var place: Place
    }
}

/// `webhooks:`, a list of endpoints.
extension ConfigurationReader {
    private static let webhookKeys = ["url", "secret", "events"]
    /// Each has a loop of its own and doubles what is written for an event.
    private static let webhookCountMax = 8
    /// Standard Webhooks 1.0.0, "Signature scheme": a secret has 24 to 64 bytes.
    private static let keyByteCounts = 24...64
    /// May be left out, as the libraries do without it.
    private static let keyPrefix = "whsec_"

    mutating func webhooks(_ value: ConfigurationValue?) -> [Configuration.Webhook] {
        guard let value, let items = value.listOrSingle(&self.findings) else { return [] }
        guard items.count <= Self.webhookCountMax else {
            value.refuse("has \(items.count) endpoints", remedy: "write at most \(Self.webhookCountMax)", &self.findings)
            return []
        }
        var webhooks: [Configuration.Webhook] = []
        for item in items {
            guard let webhook = self.webhook(item) else { continue }
            if webhooks.contains(where: { $0.url.text == webhook.url.text }) {
                item.refuse("the same endpoint stands twice", remedy: "name its events in one place", &self.findings)
            }
            webhooks.append(webhook)
        }
        return webhooks
    }

    private mutating func webhook(_ value: ConfigurationValue) -> Configuration.Webhook? {
        guard let mapping = value.mapping(keys: Self.webhookKeys, &self.findings) else { return nil }
        let url = mapping.required("url", example: "https://example.com/hooks", &self.findings).flatMap {
            self.urlOrReference($0)
        }
        if let url, !url.isSecure, !url.isLoopback {
            let remedy = "write https://, or leave it where nobody else can read"
            mapping["url"]?.report(.warning, "what is told can be read on the way", remedy: remedy, &self.findings)
        }
        let secrets = mapping.required("secret", example: "env:WEBHOOK_SECRET", &self.findings)
        let keys = (secrets?.listOrSingle(&self.findings) ?? []).compactMap { self.webhookKey($0) }
        let names = WebhookEvent.allCases.map(\.rawValue)
        let events = mapping["events"].map { events in
            (events.listOrSingle(&self.findings) ?? []).compactMap { event in
                event.choice(of: names, &self.findings).flatMap(WebhookEvent.init)
            }
        }
        guard let url, !keys.isEmpty else { return nil }
        return Configuration.Webhook(
            url: url, keys: keys, events: Set(events ?? WebhookEvent.allCases), place: self.place(value))
    }

    private mutating func webhookKey(_ value: ConfigurationValue) -> Secret<[UInt8]>? {
        guard let secret = value.secret(from: self.secrets, &self.findings) else { return nil }
        let key = secret.value.withExposed { text in
            Base64.decode(text.hasPrefix(Self.keyPrefix) ? text.dropFirst(Self.keyPrefix.count) : text[...])
        }
        guard let key, Self.keyByteCounts.contains(key.count) else {
            let remedy = "make one: `echo \(Self.keyPrefix)$(openssl rand -base64 32)`"
            value.refuse(
                "what `\(secret.reference)` holds is not `\(Self.keyPrefix)` and 24 to 64 bytes in base64", remedy: remedy,
                &self.findings)
            return nil
        }
        return Secret(key)
    }
}
