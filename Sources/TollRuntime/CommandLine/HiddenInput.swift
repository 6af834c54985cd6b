// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Asks the person at the terminal for a secret, whose typing is not shown.
public enum HiddenInput {
    /// Bytes of a line: passphrases and keys are well below.
    private static let sizeMax = 1_024

    /// What is typed at the terminal up to the line's end; nil when there is no terminal.
    public static func read(_ prompt: String) -> String? {
        let terminal = unsafe Glibc.open("/dev/tty", O_RDWR | O_CLOEXEC)
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
        while line.count < self.sizeMax {
            let count = unsafe Glibc.read(terminal, &byte, 1)
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
