// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollRuntime

@testable import tollgate

@Suite struct OperationsConfigurationTests {
    @Test func `logs are text at info without a line for each request, unless it is said otherwise`() throws {
        let usual = try #require(Fixture.read(Fixture.text()).configuration)
        #expect(usual.log.format == .text && usual.log.level == .info && usual.log.access == .off)
        let other = try #require(
            Fixture.read(Fixture.text(top: "log: {format: json, level: warning, access: query}")).configuration)
        #expect(other.log.format == .json && other.log.level == .warning && other.log.access == .query)
        #expect(try #require(Fixture.read(Fixture.text(top: "log: {access: true}")).configuration).log.access == .on)
    }

    @Test func `denied payers come from the file and from lists`() throws {
        let directory = try TemporaryDirectory(prefix: "tollgate-deny")
        let list = """
            # sanctioned
            0x52908400098527886E0F7030069857D2E4169EE7

            0xde709f2102306220921060314715629080e2fb77   # in one case
            """
        try PrivateFiles.create(directory.path + "/denied.txt", Array(list.utf8))
        let text = """
            deny:
              payers: ["file:\(directory.path)/denied.txt", "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"]
              screen: {url: "http://127.0.0.1:9100/screen", timeout: 500ms, on_failure: open, remember: 10s}
            """
        let (configuration, findings) = Fixture.read(Fixture.text(top: text))
        #expect(findings.text.isEmpty)
        let deny = try #require(configuration).deny
        #expect(
            deny.payers == [
                "0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
                "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
            ])
        let screen = try #require(deny.screen)
        #expect(screen.timeout == .milliseconds(500) && !screen.failsClosed && screen.remembered == .seconds(10))
    }

    @Test func `what is wrong in a list of payers is named with the list's line`() throws {
        let directory = try TemporaryDirectory(prefix: "tollgate-deny")
        let path = directory.path + "/denied.txt"
        try PrivateFiles.create(path, Array("\n0x52908400098527886E0F7030069857D2E4169Ee7\nbob\n".utf8))
        let findings = Fixture.read(Fixture.text(top: "deny: {payers: \"file:\(path)\"}")).findings
        #expect(
            findings.sorted.map(\.description) == [
                "\(path):2: error: the address does not fit its checksum; copy it again from its source",
                "\(path):3: error: `bob` is no address; write one address on a line",
            ])
    }
}
