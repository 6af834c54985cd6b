// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollRuntime

@testable import tollgate

@Suite struct MockCommandTests {
    @Test func `a network whose money is worth something is refused`() throws {
        let test = try #require(Fixture.read(Fixture.text()).configuration)
        #expect(MockCommand.objection(to: test) == nil)
        let main = Fixture.text(network: "eip155:8453: {rpc: \"http://127.0.0.1:8545\"}")
        let live = try #require(Fixture.read(main).configuration)
        let finding = try #require(MockCommand.objection(to: live))
        #expect(finding.description.contains("the money of eip155:8453 is worth something"))
    }

    @Test func `keys that are not set are the test key, and those that are stay`() throws {
        let none = SecretSource(variable: { $0 == "SET" ? "own" : nil }, file: { (path) throws(FileError) in [] })
        let secrets = MockCommand.secrets(none)
        #expect(try secrets.resolve(.environment("SET")).withExposed { copy $0 } == "own")
        #expect(try secrets.resolve(.environment("TOLLGATE_EVM_KEY")).withExposed { $0.hasPrefix("ac09") })
        let (configuration, _) = ConfigurationReader.read(
            Array(Fixture.text().utf8), file: "tollgate.yaml", table: Fixture.table, secrets: secrets)
        #expect(configuration != nil)
    }
}
