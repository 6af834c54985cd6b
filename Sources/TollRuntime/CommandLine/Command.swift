// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// How a program ends.
public struct ExitCode: RawRepresentable, Hashable, Sendable {
    /// The status, 0 to 255.
    public let rawValue: Int32

    /// A status.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// It did what was asked.
    public static let success = ExitCode(rawValue: 0)
    /// It did not.
    public static let failure = ExitCode(rawValue: 1)
    /// The command line was wrong.
    public static let usage = ExitCode(rawValue: 2)
}

/// A command: what it takes, and what it does; or a name for further commands.
public struct Command: Sendable {
    /// What a command does with its arguments.
    public typealias Action = @Sendable (_ arguments: Arguments) async throws -> ExitCode

    /// The word that calls it.
    public let name: String
    /// One line about it.
    public let summary: String
    /// More about it, below the summary in its help.
    public let discussion: String
    /// Options in the order of the help, arguments in the order of the line.
    public let parameters: [Parameter]
    /// Commands below this one.
    public let subcommands: [Command]
    /// Nil where a subcommand must follow.
    public let action: Action?

    /// A command that does something.
    public init(
        _ name: String,
        summary: String,
        discussion: String = "",
        parameters: [Parameter] = [],
        subcommands: [Command] = [],
        action: @escaping Action
    ) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.parameters = parameters
        self.subcommands = subcommands
        self.action = action
    }

    /// A name for further commands.
    public init(_ name: String, summary: String, discussion: String = "", subcommands: [Command]) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.parameters = []
        self.subcommands = subcommands
        self.action = nil
    }

    // MARK: Help

    /// `USAGE: tollgate check [--config <file>]`, for a command called as `path`.
    func usage(path: [String]) -> String {
        let options = self.parameters.filter { !$0.isPositional } + self.parameters.filter(\.isPositional)
        let subcommand = self.subcommands.isEmpty ? [] : [self.action == nil ? "<subcommand>" : "[<subcommand>]"]
        return "USAGE: " + (path + options.map(\.usage) + subcommand).joined(separator: " ")
    }

    /// The whole help.
    func help(path: [String], hasVersion: Bool) -> String {
        var sections = ["OVERVIEW: \(self.summary)"]
        if !self.discussion.isEmpty { sections.append(self.discussion) }
        sections.append(self.usage(path: path))
        let positional = self.parameters.filter(\.isPositional)
        if !positional.isEmpty {
            sections.append("ARGUMENTS:\n" + Self.columns(positional.map { ($0.label, $0.help) }))
        }
        let options = self.parameters.filter { !$0.isPositional } + (hasVersion ? [.version] : []) + [.help]
        sections.append("OPTIONS:\n" + Self.columns(options.map { ($0.label, Self.helpWithDefault($0)) }))
        if !self.subcommands.isEmpty {
            sections.append("SUBCOMMANDS:\n" + Self.columns(self.subcommands.map { ($0.name, $0.summary) }))
            sections.append(
                "  See '\((path.prefix(1) + ["help"] + path.dropFirst()).joined(separator: " ")) <subcommand>' for more."
            )
        }
        return sections.joined(separator: "\n\n") + "\n"
    }

    private static func helpWithDefault(_ parameter: Parameter) -> String {
        guard case .option(_, let value?) = parameter.kind else { return parameter.help }
        return "\(parameter.help) (default: \(value))"
    }

    /// Labels left, texts from column 26 wrapped at 80; a longer label has a line of its own.
    private static func columns(_ rows: [(label: String, text: String)]) -> String {
        let indent = String(repeating: " ", count: 26)
        return rows.map { row in
            let label = "  " + row.label
            let lines = Self.wrapped(row.text, width: 80 - indent.count)
            let first = label.count + 1 < indent.count ? label.padding(to: indent.count) : "\(label)\n\(indent)"
            return first + lines.joined(separator: "\n" + indent)
        }.joined(separator: "\n")
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
