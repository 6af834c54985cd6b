// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc
import TollPrimitives
import TollRuntime

/// Asks for secrets: from the environment, else from the person at the terminal, whose typing is not shown.
enum Passphrase {
    /// `TOLL_PASSPHRASE`, else what is typed.
    static func ask(_ prompt: String) throws(UsageError) -> Secret<String> {
        if let given = EnvironmentVariables.value(of: "TOLL_PASSPHRASE") { return Secret(given) }
        guard let typed = self.type(prompt) else { throw UsageError("no passphrase: set TOLL_PASSPHRASE, or run at a terminal") }
        return Secret(typed)
    }

    /// A new one, typed twice.
    static func askTwice() throws(UsageError) -> Secret<String> {
        let first = try self.ask("New passphrase: ")
        if EnvironmentVariables.value(of: "TOLL_PASSPHRASE") == nil {
            let second = try self.ask("Once more: ")
            let isSame = first.withExposed { first in second.withExposed { first == $0 } }
            guard isSame else { throw UsageError("the two are not the same") }
        }
        guard first.withExposed({ !$0.isEmpty }) else { throw UsageError("an empty passphrase protects nothing") }
        return first
    }

    /// What is typed at the terminal up to the line's end; nil when there is no terminal.
    static func type(_ prompt: String) -> String? {
        let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else { return nil }
        defer { close(terminal) }
        var shown = termios()
        guard unsafe tcgetattr(terminal, &shown) == 0 else { return nil }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        guard unsafe tcsetattr(terminal, TCSAFLUSH, &hidden) == 0 else { return nil }
        defer { unsafe tcsetattr(terminal, TCSAFLUSH, &shown) }
        self.write(prompt, to: terminal)
        defer { self.write("\n", to: terminal) }
        return self.readLine(terminal)
    }

    private static func readLine(_ terminal: Int32) -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < 1_024 {
            let count = unsafe read(terminal, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == 0x0A { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    private static func write(_ text: String, to terminal: Int32) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(terminal, $0.baseAddress, $0.count) }
    }
}
