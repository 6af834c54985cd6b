// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Something a command takes on its line. The same value declares it and later reads it from ``Arguments``.
public struct Parameter: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case flag
        case option(placeholder: String, defaultValue: String?)
        case repeatedOption(placeholder: String)
        case argument(isRequired: Bool)
        case remainingArguments
    }

    let kind: Kind
    /// The long name without dashes, or the name of an argument.
    public let name: String
    let short: Character?
    let help: String

    /// `--name` or `-n`: said or not.
    public static func flag(_ name: String, short: Character? = nil, help: String) -> Parameter {
        Parameter(kind: .flag, name: name, short: short, help: help)
    }

    /// `--name <placeholder>`, `--name=…`, `-n …` or `-n…`: at most once.
    public static func option(
        _ name: String,
        short: Character? = nil,
        _ placeholder: String,
        default defaultValue: String? = nil,
        help: String
    ) -> Parameter {
        Parameter(kind: .option(placeholder: placeholder, defaultValue: defaultValue), name: name, short: short, help: help)
    }

    /// The same, any number of times.
    public static func repeatedOption(
        _ name: String,
        short: Character? = nil,
        _ placeholder: String,
        help: String
    ) -> Parameter {
        Parameter(kind: .repeatedOption(placeholder: placeholder), name: name, short: short, help: help)
    }

    /// A word by its place.
    public static func argument(_ name: String, isRequired: Bool = true, help: String) -> Parameter {
        Parameter(kind: .argument(isRequired: isRequired), name: name, short: nil, help: help)
    }

    /// All words that are left.
    public static func remainingArguments(_ name: String, help: String) -> Parameter {
        Parameter(kind: .remainingArguments, name: name, short: nil, help: help)
    }

    static let help = Parameter.flag("help", short: "h", help: "Show this help.")
    static let version = Parameter.flag("version", help: "Show the version.")

    var isPositional: Bool {
        switch self.kind {
        case .argument, .remainingArguments: true
        case .flag, .option, .repeatedOption: false
        }
    }

    /// The name of the value it takes; nil for flags.
    var placeholder: String? {
        switch self.kind {
        case .flag: nil
        case .option(let placeholder, _), .repeatedOption(let placeholder): placeholder
        case .argument, .remainingArguments: self.name
        }
    }

    /// As it stands in a usage line.
    var usage: String {
        let value = self.placeholder.map { " <\($0)>" } ?? ""
        return switch self.kind {
        case .flag, .option: "[--\(self.name)\(value)]"
        case .repeatedOption: "[--\(self.name)\(value) ...]"
        case .argument(let isRequired): isRequired ? "<\(self.name)>" : "[<\(self.name)>]"
        case .remainingArguments: "[<\(self.name)> ...]"
        }
    }

    /// As it stands before its help.
    var label: String {
        if self.isPositional { return "<\(self.name)>" }
        let short = self.short.map { "-\($0), " } ?? ""
        return "\(short)--\(self.name)" + (self.placeholder.map { " <\($0)>" } ?? "")
    }
}

/// What stood on a command's line.
public struct Arguments: Sendable {
    private var values: [Parameter: [String]] = [:]

    init() {}

    mutating func add(_ value: String, to parameter: Parameter) {
        self.values[parameter, default: []].append(value)
    }

    /// Whether a flag was said, or a parameter given at all.
    public func has(_ parameter: Parameter) -> Bool {
        self.values[parameter] != nil
    }

    /// The value of an option or argument; else the option's default.
    public func value(_ parameter: Parameter) -> String? {
        if let value = self.values[parameter]?.last { return value }
        guard case .option(_, let defaultValue) = parameter.kind else { return nil }
        return defaultValue
    }

    /// All values of a repeated option, or of the remaining arguments.
    public func values(_ parameter: Parameter) -> [String] {
        self.values[parameter] ?? []
    }
}

/// The line was wrong in a way the parser cannot know: a value that is no number, options that exclude each other.
public struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong and what to write.
    public var description: String

    /// An error that prints as `description`.
    public init(_ description: String) {
        self.description = description
    }
}
