// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollRuntime

@Suite struct CommandLineTests {
    private static let config = Parameter.option(
        "config",
        short: "c",
        "file",
        default: "tollgate.yaml",
        help: "The configuration, read at start and again at SIGHUP; every mistake in it is named at once."
    )
    private static let offline = Parameter.flag("offline", short: "o", help: "Skip the network.")
    private static let header = Parameter.repeatedOption("header", short: "H", "name: value", help: "Send a field.")
    private static let url = Parameter.argument("url", help: "What to get.")
    private static let output = Parameter.argument("output", isRequired: false, help: "Where to.")

    /// Runs a line; `ran` is what the command read.
    private static func run(_ words: [String]) async -> (code: Int32, ran: String, output: String, error: String) {
        let texts = Mutex<(ran: String, output: String, error: String)>(("", "", ""))
        let get = Command("get", summary: "Get a URL.", parameters: [config, offline, header, url, output]) { arguments in
            let values = [
                arguments.value(config) ?? "-", "\(arguments.has(offline))", arguments.values(header).joined(separator: ","),
                arguments.value(url) ?? "-", arguments.value(output) ?? "-",
            ]
            texts.withLock { $0.ran = values.joined(separator: "|") }
            if arguments.value(url) == "bad" { throw UsageError("'bad' is no URL") }
            return ExitCode(rawValue: 23)
        }
        let ledger = Command(
            "ledger",
            summary: "Read the ledger.",
            subcommands: [Command("show", summary: "Show one.") { _ in .success }]
        )
        let tool = CommandLineTool(
            Command("demo", summary: "A demonstration.", subcommands: [get, ledger]),
            version: "1.2.3",
            writeOutput: { text in texts.withLock { $0.output += text } },
            writeError: { text in texts.withLock { $0.error += text } }
        )
        let code = await tool.run(words).rawValue
        return texts.withLock { (code, $0.ran, $0.output, $0.error) }
    }

    @Test(arguments: [
        (["get", "u"], "tollgate.yaml|false||u|-"),
        (["get", "--config", "a", "u", "o"], "a|false||u|o"),
        (["get", "u", "--config=a=b", "-o"], "a=b|true||u|-"),
        (["get", "-ca", "-H", "x: 1", "-Hy: 2", "--header", "z", "u"], "a|false|x: 1,y: 2,z|u|-"),
        (["get", "-oca", "u"], "a|true||u|-"),
        (["get", "--", "-o", "--config"], "tollgate.yaml|false||-o|--config"),
        (["get", "-c", "-5", "-"], "-5|false||-|-"),
        (["get", "-c", "-", "u"], "-|false||u|-"),
        (["get", "--config=--offline", "u"], "--offline|false||u|-"),
    ])
    func `a line is read by the usual conventions`(words: [String], ran: String) async {
        let result = await Self.run(words)
        #expect(result.ran == ran)
        #expect(result.code == 23)
        #expect(result.error.isEmpty)
    }

    @Test(arguments: [
        (["get"], "missing argument '<url>'"),
        (["get", "a", "b", "c"], "unexpected argument 'c'"),
        (["get", "u", "--confg", "x"], "unknown option '--confg'; did you mean '--config'?"),
        (["get", "u", "-x"], "unknown option '-x'"),
        (["get", "u", "--config"], "missing value for '--config <file>'"),
        (["get", "u", "-c", "--offline"], "missing value for '-c <file>'"),
        (["get", "u", "-c", "a", "--config", "b"], "'--config' is given twice"),
        (["get", "u", "--offline=yes"], "'--offline' takes no value"),
        (["get", "bad"], "'bad' is no URL"),
        (["gte"], "unknown subcommand 'gte'; did you mean 'get'?"),
        ([], "missing subcommand"),
        (["ledger"], "missing subcommand"),
        (["get", "--version"], "unknown option '--version'"),
        (["get", "a", "b", "c\u{1B}[2J"], "unexpected argument 'c\\u{1B}[2J'"),
    ])
    func `a wrong line ends with 2, and says why and how`(words: [String], message: String) async {
        let result = await Self.run(words)
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.error.hasPrefix("Error: \(message)\nUSAGE: demo"), "\(result.error)")
        #expect(result.error.hasSuffix("  See 'demo --help' for more.\n"))
    }

    @Test func `--version prints the version`() async {
        let result = await Self.run(["--version"])
        #expect(result.output == "1.2.3\n")
        #expect(result.code == 0)
    }

    @Test(arguments: [["get", "--help"], ["get", "u", "-h"], ["help", "get"]])
    func `help lists arguments, options and defaults`(words: [String]) async {
        let result = await Self.run(words)
        #expect(result.code == 0)
        #expect(
            result.output == """
                OVERVIEW: Get a URL.

                USAGE: demo get [--config <file>] [--offline] [--header <name: value> ...] <url> [<output>]

                ARGUMENTS:
                  <url>                   What to get.
                  <output>                Where to.

                OPTIONS:
                  -c, --config <file>     The configuration, read at start and again at SIGHUP;
                                          every mistake in it is named at once. (default:
                                          tollgate.yaml)
                  -o, --offline           Skip the network.
                  -H, --header <name: value>
                                          Send a field.
                  -h, --help              Show this help.

                """
        )
    }

    @Test func `help of the program lists its commands`() async {
        let result = await Self.run(["--help"])
        #expect(
            result.output == """
                OVERVIEW: A demonstration.

                USAGE: demo <subcommand>

                OPTIONS:
                  --version               Show the version.
                  -h, --help              Show this help.

                SUBCOMMANDS:
                  get                     Get a URL.
                  ledger                  Read the ledger.

                  See 'demo help <subcommand>' for more.

                """
        )
    }
}

@Suite struct TerminalTests {
    @Test func `columns align by what a terminal shows`() {
        var table = TextTable(["name", "amount", "note"], alignments: [.left, .right])
        table.add(["東京", "0.001", "ok"])
        table.add(["e\u{301}a", "12", "x\u{1B}[2J"])
        table.add(["b"])
        #expect(
            table.text == """
                name  amount  note
                東京   0.001  ok
                e\u{301}a        12  x\\u{1B}[2J
                b

                """
        )
    }

    @Test func `colours appear only where they can, and text cannot bring its own`() {
        #expect(Terminal.plain.styled("ok\u{1B}", .green) == "ok\\u{1B}")
        #expect(Terminal(isInteractive: true, hasColours: true).styled("ok", .green) == "\u{1B}[32mok\u{1B}[0m")
    }

    @Test(arguments: [(true, "\r\u{1B}[2K1\r\u{1B}[2K2\n"), (false, "1\n2\n")])
    func `progress repaints a terminal and adds lines elsewhere`(isInteractive: Bool, expected: String) {
        let text = Mutex("")
        var line = ProgressLine(terminal: Terminal(isInteractive: isInteractive, hasColours: false)) { part in
            text.withLock { $0 += part }
        }
        for step in ["1", "1", "2"] { line.show(step) }
        line.finish()
        #expect(text.withLock { $0 } == expected)
    }
}
