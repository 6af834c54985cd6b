// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// What an output stream can show.
public struct Terminal: Sendable {
    /// A colour or weight of text (ECMA-48 §8.3.117).
    public enum Style: Int, Sendable {
        /// Heavier.
        case bold = 1
        /// Lighter.
        case dim = 2
        /// For what failed.
        case red = 31
        /// For what went well.
        case green = 32
        /// For warnings.
        case yellow = 33
        /// For names.
        case cyan = 36
    }

    /// Whether somebody watches: lines may be repainted.
    public var isInteractive: Bool
    /// Whether text may be coloured.
    public var hasColours: Bool

    /// A terminal with these abilities.
    public init(isInteractive: Bool, hasColours: Bool) {
        self.isInteractive = isInteractive
        self.hasColours = hasColours
    }

    /// A file or a pipe: neither.
    public static let plain = Terminal(isInteractive: false, hasColours: false)
    /// Standard output.
    public static var output: Terminal { Self.ofDescriptor(STDOUT_FILENO) }
    /// Standard error.
    public static var errorOutput: Terminal { Self.ofDescriptor(STDERR_FILENO) }

    /// Whether standard input is a person at a keyboard.
    public static var hasInteractiveInput: Bool { isatty(STDIN_FILENO) == 1 }

    /// `text` in `style` where that can be shown. Controls within it are escaped either way.
    public func styled(_ text: String, _ style: Style) -> String {
        let text = EscapedText.singleLine(text)
        return self.hasColours ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Colours only on a terminal, and not where `NO_COLOR` is set to anything (no-color.org) or the terminal is dumb.
    private static func ofDescriptor(_ descriptor: Int32) -> Terminal {
        let isInteractive = isatty(descriptor) == 1
        let isRefused = EnvironmentVariables.value(of: "NO_COLOR").map { !$0.isEmpty } ?? false
        let isDumb = EnvironmentVariables.value(of: "TERM") == "dumb"
        return Terminal(isInteractive: isInteractive && !isDumb, hasColours: isInteractive && !isRefused && !isDumb)
    }
}

/// One line that tells how far something is: repainted on a terminal, a line at each change elsewhere.
public struct ProgressLine: Sendable {
    private let terminal: Terminal
    private let write: @Sendable (String) -> Void
    private var last = ""

    /// A line on `terminal`, written by `write`.
    public init(
        terminal: Terminal = .errorOutput,
        write: @escaping @Sendable (String) -> Void = { StandardStreams.writeError($0) }
    ) {
        self.terminal = terminal
        self.write = write
    }

    /// Shows `text` in place of what was shown before.
    public mutating func show(_ text: String) {
        let text = EscapedText.singleLine(text)
        guard text != self.last else { return }
        self.last = text
        self.write(self.terminal.isInteractive ? "\r\u{1B}[2K\(text)" : "\(text)\n")
    }

    /// Leaves the line as it stands and goes to the next.
    public mutating func finish() {
        if self.terminal.isInteractive, !self.last.isEmpty { self.write("\n") }
        self.last = ""
    }
}
