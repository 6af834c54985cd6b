// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTPEngine
import TollRuntime

@main
struct Main {
    static func main() {
        ProcessSignals.ignoreBrokenPipes()
        let status: ExitCode
        do {
            let loops = try EventLoopGroup(count: 1)
            status = try loops.run { await CommandLineTool(tool, version: version).run(Array(CommandLine.arguments.dropFirst())) }
        } catch {
            StandardStreams.writeError("Error: \(error)\n")
            status = .failure
        }
        ProcessSignals.leave(status: status.rawValue)
    }

    /// Of this program.
    static let version = "0.1.0"

    private static let configuration = Parameter.option(
        "config", "file", default: "tollgate.yaml", help: "The configuration.")

    static func path(_ arguments: Arguments) -> String { arguments.value(configuration) ?? "tollgate.yaml" }

    private static let tool = Command(
        "tollgate", summary: "Takes payment for an HTTP API: per request, without accounts.",
        subcommands: [
            Command(
                "serve", summary: "Runs the gateway, and the facilitator and admin where configured.", parameters: [configuration]
            ) {
                try await ServeCommand.run(.gateway, configurationPath: path($0))
            },
            Command("facilitator", summary: "Runs the facilitator alone.", parameters: [configuration]) {
                try await ServeCommand.run(.facilitator, configurationPath: path($0))
            },
            Command("mock", summary: "Runs the gateway without a chain and without money.", parameters: [configuration]) {
                try await MockCommand.run(configurationPath: path($0))
            },
            Command(
                "check", summary: "Names everything that is wrong with a configuration.",
                parameters: [configuration, CheckCommand.offline, CheckCommand.pay, CheckCommand.withMoney]
            ) {
                try await CheckCommand.run(
                    configurationPath: path($0), isOffline: $0.has(CheckCommand.offline), pays: $0.has(CheckCommand.pay),
                    withMoney: $0.has(CheckCommand.withMoney))
            },
            LedgerCommand.command(configuration),
            Command("demo", summary: "Runs a whole market on this machine.", parameters: [DemoCommand.stay]) {
                try await DemoCommand.run(stays: $0.has(DemoCommand.stay))
            },
        ])
}
