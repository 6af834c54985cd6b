// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A program of commands: reads its line, shows help, runs the command that was asked for.
public struct CommandLineTool: Sendable {
    private let parser: CommandLineParser
    private let writeOutput: @Sendable (String) -> Void
    private let writeError: @Sendable (String) -> Void

    /// A program that `root` describes.
    ///
    /// - Parameter version: What `--version` prints.
    public init(
        _ root: Command,
        version: String,
        writeOutput: @escaping @Sendable (String) -> Void = { StandardStreams.writeOutput($0) },
        writeError: @escaping @Sendable (String) -> Void = { StandardStreams.writeError($0) }
    ) {
        self.parser = CommandLineParser(root: root, version: version)
        self.writeOutput = writeOutput
        self.writeError = writeError
    }

    /// Runs the command that `words` (without the program's own name) ask for.
    ///
    /// A wrong line, or a ``UsageError`` of the command, ends with 2 and the usage on standard error; any other error is
    /// printed there and ends with 1. The help goes to standard output and ends with 0.
    public func run(_ words: [String]) async -> ExitCode {
        switch self.parser.parse(words) {
        case .show(let text):
            self.writeOutput(text)
            return .success
        case .fail(let message, let usage):
            return self.fail(message, usage)
        case .run(let action, let arguments, let usage):
            do {
                return try await action(arguments)
            } catch let error as UsageError {
                return self.fail(error.description, usage)
            } catch {
                self.writeError("Error: \(EscapedText.singleLine("\(error)"))\n")
                return .failure
            }
        }
    }

    private func fail(_ message: String, _ usage: String) -> ExitCode {
        let tool = self.parser.root.name
        self.writeError("Error: \(EscapedText.singleLine(message))\n\(usage)\n  See '\(tool) --help' for more.\n")
        return .usage
    }
}
