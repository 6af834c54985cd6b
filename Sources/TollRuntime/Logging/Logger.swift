// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// A structured logger: a value that is passed on, never found in a global.
///
/// A line is one line whatever the values contain, and a `Secret` among them prints as `<redacted>`.
///
///     let log = Logger(clock: environment.wallClock).with(["route": "GET /weather/*"])
///     log.info("settled", ["payment": id, "block": 12])
public struct Logger: Sendable {
    /// How much an operator should care.
    public enum Level: String, Comparable, Sendable, CaseIterable {
        /// For whoever debugs the program.
        case debug
        /// The normal course of things.
        case info
        /// Something an operator may have to look at.
        case warning
        /// Something an operator has to look at.
        case error

        /// By severity.
        public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .debug: 0
            case .info: 1
            case .warning: 2
            case .error: 3
            }
        }
    }

    /// How a line is written.
    public enum Format: String, Sendable, CaseIterable {
        /// `2026-03-01T12:00:00.125Z info  settled payment=… block=12`
        case text
        /// One JSON object (RFC 8259) with `time`, `level`, `message` and the fields.
        case json
    }

    /// Values of a line by name. Whole numbers and booleans stay such in JSON; everything else is its description.
    public typealias Fields = KeyValuePairs<String, any CustomStringConvertible & Sendable>

    /// Lines below this are not made.
    public var level: Level
    private let format: Format
    private let clock: @Sendable () -> Duration
    private let write: @Sendable (String) -> Void
    private var context: [(String, any CustomStringConvertible & Sendable)] = []

    /// A logger of lines at `level` and above.
    ///
    /// - Parameters:
    ///   - clock: The time since 1970.
    ///   - write: Takes one finished line without its line break, from any thread.
    public init(
        level: Level = .info,
        format: Format = .text,
        clock: @escaping @Sendable () -> Duration,
        write: @escaping @Sendable (String) -> Void = { StandardStreams.writeError($0 + "\n") }
    ) {
        self.level = level
        self.format = format
        self.clock = clock
        self.write = write
    }

    /// A logger that says nothing.
    public static let silent = Logger(level: .error, clock: { .zero }, write: { _ in })

    /// The same logger with `fields` on every line.
    public func with(_ fields: Fields) -> Logger {
        var logger = self
        logger.context += fields.map { ($0.key, $0.value) }
        return logger
    }

    /// Logs at ``Level/debug``.
    public func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        self.log(.debug, message(), fields())
    }

    /// Logs at ``Level/info``.
    public func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        self.log(.info, message(), fields())
    }

    /// Logs at ``Level/warning``.
    public func warning(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        self.log(.warning, message(), fields())
    }

    /// Logs at ``Level/error``.
    public func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        self.log(.error, message(), fields())
    }

    /// Logs at `level`; message and fields are only made when the line is. Within a request its id stands on the line, and
    /// that of its payment.
    public func log(_ level: Level, _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        guard level >= self.level else { return }
        var all = self.context + fields().map { ($0.key, $0.value) }
        if let request = RequestContext.current {
            if let payment = request.payment, !all.contains(where: { $0.0 == "payment" }) { all.append(("payment", payment)) }
            all.append(("request", request.trace.spanText))
        }
        let time = CalendarTime.rfc3339(self.clock())
        switch self.format {
        case .text: self.write(Self.text(time, level, message(), all))
        case .json: self.write(Self.json(time, level, message(), all))
        }
    }

    private static func text(
        _ time: String,
        _ level: Level,
        _ message: String,
        _ fields: [(String, any CustomStringConvertible & Sendable)]
    ) -> String {
        var line = time
        line.reserveCapacity(512)
        line += " "
        line += level.rawValue.padding(to: 7)
        line += " "
        line += EscapedText.singleLine(message)
        for (name, value) in fields {
            line += " "
            line += EscapedText.singleLine(name)
            line += "="
            line += Self.quotedIfNeeded(value.description)
        }
        return line
    }

    /// A value with spaces, quotes or `=` is a JSON string, so that fields can be told apart.
    private static func quotedIfNeeded(_ value: String) -> String {
        if value.utf8.allSatisfy(Self.isPlain) { return value.isEmpty ? EscapedText.json(value) : value }
        let isPlain = value.unicodeScalars.allSatisfy {
            !EscapedText.isHarmful($0) && !$0.properties.isWhitespace && $0 != "\"" && $0 != "=" && $0 != "\\"
        }
        return isPlain ? value : EscapedText.json(value)
    }

    /// The same of an ASCII character alone: nearly every value is made of those.
    private static func isPlain(_ byte: UInt8) -> Bool {
        0x21...0x7E ~= byte && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=") && byte != UInt8(ascii: "\\")
    }

    private static func json(
        _ time: String,
        _ level: Level,
        _ message: String,
        _ fields: [(String, any CustomStringConvertible & Sendable)]
    ) -> String {
        var members = ["\"time\":\"\(time)\"", "\"level\":\"\(level.rawValue)\"", "\"message\":\(EscapedText.json(message))"]
        var names: Set<String> = ["time", "level", "message"]
        for (name, value) in fields {
            // A member twice is read differently by different readers.
            var unique = name
            while !names.insert(unique).inserted { unique += "_" }
            members.append("\(EscapedText.json(unique)):\(Self.jsonValue(value))")
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func jsonValue(_ value: any CustomStringConvertible & Sendable) -> String {
        switch value {
        case let flag as Bool: flag ? "true" : "false"
        case let number as any FixedWidthInteger: number.description
        default: EscapedText.json(value.description)
        }
    }
}

extension String {
    /// The text with spaces to at least `count` characters.
    func padding(to count: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, count - self.count))
    }
}
