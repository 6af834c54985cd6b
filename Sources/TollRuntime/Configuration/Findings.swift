// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong, or worth knowing, about a configuration.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Hashable, Sendable, CaseIterable {
        /// Nothing starts.
        case error
        /// It starts, and probably does not do what was meant.
        case warning
        /// Worth knowing.
        case notice
    }

    /// How bad it is.
    public var severity: Severity
    /// The file as the operator named it.
    public var file: String
    /// The line, from 1; 0 when no line is to blame.
    public var line: Int
    /// Which value: `routes[2].price`; empty for the file as a whole.
    public var path: String
    /// What is wrong. Never a secret's value.
    public var message: String
    /// What to write instead, if anything can be said.
    public var remedy: String?

    /// A finding.
    public init(_ severity: Severity, file: String, line: Int, path: String = "", message: String, remedy: String? = nil) {
        self.severity = severity
        self.file = file
        self.line = line
        self.path = path
        self.message = message
        self.remedy = remedy
    }

    /// `tollgate.yaml:12: error: routes[2].price: …; write …`, on one line, as compilers print.
    public var description: String {
        let place = self.line > 0 ? "\(self.file):\(self.line)" : self.file
        let subject = self.path.isEmpty ? "" : "\(self.path): "
        let remedy = self.remedy.map { "; \($0)" } ?? ""
        return EscapedText.singleLine("\(place): \(self.severity.rawValue): \(subject)\(self.message)\(remedy)")
    }

    /// At most 60 characters of what was written, for quoting it in a message.
    public static func excerpt(_ text: String) -> String {
        text.count <= 60 ? text : text.prefix(57) + "…"
    }
}

/// All findings about a configuration: everything wrong is said at once.
public struct Findings: Sendable {
    /// In the order they were found.
    public private(set) var all: [Finding] = []
    private var known: Set<Finding> = []

    /// None yet.
    public init() {}

    /// Adds one; the same finding is kept once.
    public mutating func add(_ finding: Finding) {
        if self.known.insert(finding).inserted { self.all.append(finding) }
    }

    /// Adds one by its parts.
    public mutating func add(
        _ severity: Finding.Severity,
        file: String,
        line: Int,
        path: String = "",
        _ message: String,
        remedy: String? = nil
    ) {
        self.add(Finding(severity, file: file, line: line, path: path, message: message, remedy: remedy))
    }

    /// Whether anything forbids the start.
    public var hasErrors: Bool { self.all.contains { $0.severity == .error } }

    /// How many there are of one severity.
    public func count(_ severity: Finding.Severity) -> Int {
        self.all.count { $0.severity == severity }
    }

    /// By file and line, in the order found within a line.
    public var sorted: [Finding] {
        self.all.enumerated()
            .sorted { ($0.element.file, $0.element.line, $0.offset) < ($1.element.file, $1.element.line, $1.offset) }
            .map(\.element)
    }

    /// One line each, sorted, with a line break after the last; empty when there is none.
    public var text: String { self.sorted.map { "\($0)\n" }.joined() }
}
