// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollGateway
import TollPrimitives
import TollRuntime

@testable import tollgate

/// `webhooks`.
@Suite struct WebhookConfigurationTests {
    static let secrets = SecretSource(
        variable: { name in
            switch name {
            case "HOOK": "whsec_" + Base64.encode([UInt8](repeating: 7, count: 32))
            case "OLD": "whsec_" + Base64.encode([UInt8](repeating: 8, count: 24))
            case "SHORT": "whsec_" + Base64.encode([UInt8](repeating: 9, count: 23))
            case "PLAIN": "not-a-webhook secret!"
            case "URL": "https://hooks.example/T0/secret"
            default: (try? Fixture.secrets.resolve(.environment(name)))?.withExposed { copy $0 }
            }
        }, file: { (path) throws(FileError) in throw FileError(path: path, reason: "No such file or directory") })

    static func read(_ webhooks: String) -> (configuration: Configuration?, findings: Findings) {
        ConfigurationReader.read(
            Array(Fixture.text(top: "webhooks: \(webhooks)").utf8), file: "tollgate.yaml", table: Fixture.table,
            secrets: self.secrets)
    }

    @Test func `an endpoint is told everything unless it says otherwise, and may have two secrets`() throws {
        let (configuration, findings) = Self.read(
            "[{url: env:URL, secret: [env:HOOK, env:OLD]}, {url: \"http://127.0.0.1:1\", secret: env:HOOK, events: debt.created}]"
        )
        #expect(findings.text.isEmpty)
        let webhooks = try #require(configuration?.webhooks)
        #expect(webhooks.map(\.events) == [Set(WebhookEvent.allCases), [.debtCreated]])
        #expect(webhooks[0].keys.map { $0.withExposed { $0.count } } == [32, 24])
    }

    @Test(
        arguments: [
            ("{url: \"https://a.example\"}", "`secret` is missing"), ("{secret: env:HOOK}", "`url` is missing"),
            ("{url: \"https://a.example\", secret: env:SHORT}", "24 to 64 bytes in base64"),
            ("{url: \"https://a.example\", secret: env:PLAIN}", "24 to 64 bytes in base64"),
            ("{url: \"https://a.example\", secret: whsec_AAAA}", "a secret does not belong in this file"),
            ("{url: \"https://a.example\", secret: env:HOOK, events: [payment.settle]}", "write `payment.settled`"),
            ("[{url: env:URL, secret: env:HOOK}, {url: env:URL, secret: env:HOOK}]", "the same endpoint stands twice"),
        ])
    func `a mistake is an error, and shows no secret`(webhooks: String, words: String) {
        let (configuration, findings) = Self.read(webhooks)
        #expect(configuration == nil && findings.text.contains(words), "\(findings.text)")
        #expect(!findings.text.contains("T0/secret") && !findings.text.contains("not-a-webhook"))
    }

    @Test func `plain HTTP to elsewhere is a warning`() {
        let (configuration, findings) = Self.read("{url: \"http://a.example/x\", secret: env:HOOK}")
        #expect(configuration != nil && findings.text.contains("what is told can be read on the way"))
    }
}
