// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollHTTPEngine
import TollRuntime

@main
struct Main {
    static func main() {
        ProcessSignals.ignoreBrokenPipes()
        let status: ExitCode
        do {
            let loops = try EventLoopGroup(count: 1)
            let tool = Self.tool(client: EngineHTTPClient(group: loops))
            status = try loops.run { await CommandLineTool(tool, version: "0.1.0").run(Array(CommandLine.arguments.dropFirst())) }
        } catch {
            StandardStreams.writeError("Error: \(error)\n")
            status = .failure
        }
        ProcessSignals.leave(status: status.rawValue)
    }

    private static func tool(client: any HTTPClient) -> Command {
        Command(
            "toll",
            summary: "Gets things over HTTP, and pays for them where it must, within limits.",
            subcommands: [
                GetCommand.command(client), InspectCommand.command(client), WalletCommand.command(client),
                BudgetCommand.command(), HistoryCommand.command(), ResumeCommand.command(client),
            ]
        )
    }
}
