// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Reads a command line by the conventions of POSIX and GNU: `--name value`, `--name=value`, `-n value`, `-nvalue`, flags
/// together as `-ab`, and nothing but words after `--`.
struct CommandLineParser {
    enum Outcome {
        case run(Command.Action, Arguments, usage: String)
        case show(String)
        case fail(String, usage: String)
    }

    private struct Problem: Error {
        var message: String
    }

    let root: Command
    let version: String

    func parse(_ words: [String]) -> Outcome {
        var (command, path, rest) = (self.root, [self.root.name], words[...])
        while let word = rest.first, let subcommand = command.subcommands.first(where: { $0.name == word }) {
            (command, path, rest) = (subcommand, path + [word], rest.dropFirst())
        }
        if path.count == 1, rest.first == "help" { return self.helpCommand(Array(rest.dropFirst())) }
        do throws(Problem) {
            let arguments = try self.arguments(of: command, isRoot: path.count == 1, rest)
            if arguments.has(.help) { return .show(command.help(path: path, hasVersion: path.count == 1)) }
            if arguments.has(.version) { return .show(self.version + "\n") }
            guard let action = command.action else { throw Problem(message: "missing subcommand") }
            try self.checkRequired(command, arguments)
            return .run(action, arguments, usage: command.usage(path: path))
        } catch {
            return .fail(error.message, usage: command.usage(path: path))
        }
    }

    private func helpCommand(_ words: [String]) -> Outcome {
        var (command, path) = (self.root, [self.root.name])
        for word in words {
            guard let subcommand = command.subcommands.first(where: { $0.name == word }) else {
                return .fail(Self.unknownSubcommand(word, of: command), usage: command.usage(path: path))
            }
            (command, path) = (subcommand, path + [word])
        }
        return .show(command.help(path: path, hasVersion: path.count == 1))
    }

    private func arguments(of command: Command, isRoot: Bool, _ words: ArraySlice<String>) throws(Problem) -> Arguments {
        let named = command.parameters.filter { !$0.isPositional } + [.help] + (isRoot ? [.version] : [])
        var positional = command.parameters.filter(\.isPositional)[...]
        var arguments = Arguments()
        var rest = words
        var areOptionsOver = false
        while let word = rest.popFirst() {
            if areOptionsOver || !word.hasPrefix("-") || word == "-" {
                try Self.take(word, as: &positional, of: command, &arguments)
            } else if word == "--" {
                areOptionsOver = true
            } else if word.hasPrefix("--") {
                try Self.takeLong(word, named, &rest, &arguments)
            } else {
                try Self.takeShort(word, named, &rest, &arguments)
            }
        }
        return arguments
    }

    private static func take(
        _ word: String,
        as positional: inout ArraySlice<Parameter>,
        of command: Command,
        _ arguments: inout Arguments
    ) throws(Problem) {
        guard let parameter = positional.first else {
            if !command.subcommands.isEmpty { throw Problem(message: self.unknownSubcommand(word, of: command)) }
            throw Problem(message: "unexpected argument '\(word)'")
        }
        arguments.add(word, to: parameter)
        if parameter.kind != .remainingArguments { positional.removeFirst() }
    }

    private static func takeLong(
        _ word: String,
        _ named: [Parameter],
        _ rest: inout ArraySlice<String>,
        _ arguments: inout Arguments
    ) throws(Problem) {
        let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let parameter = named.first(where: { $0.name == name }) else {
            let hint = NearestName.find(name, among: named.map(\.name)).map { "; did you mean '--\($0)'?" } ?? ""
            throw Problem(message: "unknown option '--\(name)'\(hint)")
        }
        let attached = parts.count == 2 ? String(parts[1]) : nil
        if parameter.kind == .flag {
            guard attached == nil else { throw Problem(message: "'--\(name)' takes no value") }
            arguments.add("", to: parameter)
        } else {
            try self.takeValue(attached, of: parameter, written: "--\(name)", named, &rest, &arguments)
        }
    }

    private static func takeShort(
        _ word: String,
        _ named: [Parameter],
        _ rest: inout ArraySlice<String>,
        _ arguments: inout Arguments
    ) throws(Problem) {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let parameter = named.first(where: { $0.short == letter }) else {
                throw Problem(message: "unknown option '-\(letter)'")
            }
            if parameter.kind == .flag {
                arguments.add("", to: parameter)
            } else {
                let attached = letters.isEmpty ? nil : String(letters)
                return try self.takeValue(attached, of: parameter, written: "-\(letter)", named, &rest, &arguments)
            }
        }
    }

    /// The next word is taken unless it is an option of this command: `--config --offline` lacks a value.
    private static func takeValue(
        _ attached: String?,
        of parameter: Parameter,
        written: String,
        _ named: [Parameter],
        _ rest: inout ArraySlice<String>,
        _ arguments: inout Arguments
    ) throws(Problem) {
        var value = attached
        if value == nil, let next = rest.first, !self.isOption(next, named) {
            value = next
            rest.removeFirst()
        }
        guard let value else { throw Problem(message: "missing value for '\(written) <\(parameter.placeholder ?? "value")>'") }
        if case .option = parameter.kind, arguments.has(parameter) {
            throw Problem(message: "'--\(parameter.name)' is given twice")
        }
        arguments.add(value, to: parameter)
    }

    private static func isOption(_ word: String, _ named: [Parameter]) -> Bool {
        if word.hasPrefix("--") {
            let name = word.dropFirst(2).prefix { $0 != "=" }
            return name.isEmpty || named.contains { $0.name == name }
        }
        return word.count == 2 && word.first == "-" && named.contains { $0.short == word.last }
    }

    private func checkRequired(_ command: Command, _ arguments: Arguments) throws(Problem) {
        for parameter in command.parameters where parameter.kind == .argument(isRequired: true) && !arguments.has(parameter) {
            throw Problem(message: "missing argument '<\(parameter.name)>'")
        }
    }

    private static func unknownSubcommand(_ word: String, of command: Command) -> String {
        let hint = NearestName.find(word, among: command.subcommands.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
        return "unknown subcommand '\(word)'\(hint)"
    }
}
