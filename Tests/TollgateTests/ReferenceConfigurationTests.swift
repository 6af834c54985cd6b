// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollRuntime

@testable import tollgate

/// `accept: [transfer-proof]`, `transfer_proof` and `pay_to` with an extended key.
@Suite struct ReferenceConfigurationTests {
    private static let xpub =
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
    private static let payee = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"

    private static func route(_ members: String) -> String {
        "{match: GET /x, upstream: weather, price: $0.001, accept: [transfer-proof], \(members)}"
    }

    @Test func `transfers are bound by signature for a quarter of an hour unless it is said otherwise`() throws {
        let (configuration, findings) = Fixture.read(Fixture.text(route: Self.route("description: x")))
        #expect(!findings.hasErrors, "\(findings.text)")
        let terms = try #require(configuration?.routes.first?.references)
        #expect(terms.binding == .signature && terms.lifetimeSeconds == 900)
        #expect(findings.text.contains("its sender signs"))
        #expect(Fixture.read(Fixture.text()).configuration?.routes.first?.references == nil)
    }

    @Test func `a route says otherwise than the top`() throws {
        let text = Fixture.text(
            top: "transfer_proof: {bind: amount, expires: 10m}", route: Self.route("transfer_proof: {expires: 1h}"))
        let terms = try #require(Fixture.read(text).configuration?.routes.first?.references)
        #expect(terms.binding == .amount && terms.lifetimeSeconds == 3_600)
    }

    @Test func `addresses come from an extended public key`() throws {
        let payTo = "pay_to: {eip155: {address: \"\(Self.payee)\", xpub: \(Self.xpub)}}"
        let route = Self.route("transfer_proof: {bind: address}, \(payTo)")
        let (configuration, findings) = Fixture.read(Fixture.text(route: route))
        #expect(!findings.hasErrors, "\(findings.text)")
        #expect(configuration?.routes.first?.references?.series == ["eip155": Self.xpub])
        #expect(configuration?.routes.first?.options.first?.payTo == Self.payee)
    }

    @Test func `an address of its own cannot be made of nothing`() {
        let (configuration, findings) = Fixture.read(Fixture.text(route: Self.route("transfer_proof: {bind: address}")))
        #expect(configuration == nil && findings.text.contains("nothing says where addresses come from"), "\(findings.text)")
    }

    @Test(arguments: [
        ("xpub123", "is not an extended public key"),
        (
            "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
            "is an extended private key"
        ),
    ])
    func `what is no extended public key is refused, and not repeated`(key: String, words: String) {
        let payTo = "pay_to: {eip155: {address: \"\(Self.payee)\", xpub: \(key)}}"
        let (configuration, findings) = Fixture.read(Fixture.text(route: Self.route(payTo)))
        #expect(configuration == nil && findings.text.contains(words) && !findings.text.contains(key), "\(findings.text)")
    }

    @Test(arguments: [
        ("bind: memo", "bind"), ("bind: signature, expires: 5s", "out of range"), ("bond: amount", "unknown key"),
    ])
    func `a mistake is named`(members: String, words: String) {
        let (configuration, findings) = Fixture.read(Fixture.text(route: Self.route("transfer_proof: {\(members)}")))
        #expect(configuration == nil && findings.text.contains(words), "\(findings.text)")
    }

    @Test func `a signer that is listed nowhere is pointed out`() {
        let text = Fixture.text(top: "discovery: false", route: Self.route("description: x"))
        let (configuration, findings) = Fixture.read(text)
        #expect(configuration != nil && findings.text.contains("discovery: clients that check who signed"), "\(findings.text)")
    }

    @Test func `terms for transfers that nobody may send are pointed out`() {
        let route = "{match: GET /x, upstream: weather, price: $0.001, transfer_proof: {bind: amount}}"
        let (configuration, findings) = Fixture.read(Fixture.text(route: route))
        #expect(configuration?.routes.first?.references == nil && !findings.hasErrors)
        #expect(findings.text.contains("routes[0].transfer_proof: does nothing"))
    }
}
