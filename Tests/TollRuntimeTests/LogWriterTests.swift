// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import TollRuntime

@Suite struct LogWriterTests {
    private final class Output: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        /// Whoever holds it keeps the writer from writing.
        let gate = Mutex(())
        var lines: [Substring] { String(decoding: self.bytes.withLock { $0 }, as: UTF8.self).split(separator: "\n") }
        func take(_ bytes: [UInt8]) { self.bytes.withLock { $0 += bytes } }
    }

    @Test func `lines come out whole and in order`() {
        let output = Output()
        let writer = LogWriter(output: output.take)
        for number in 0..<1_000 { writer.write("line \(number)") }
        writer.flush()
        #expect(output.lines == (0..<1_000).map { "line \($0)" })
        #expect(writer.droppedCount == 0)
    }

    @Test func `whoever logs does not wait for a reader that stands still, and the gap is told`() {
        let output = Output()
        let writer = LogWriter { bytes in
            output.gate.withLock { _ in output.take(bytes) }
        }
        let line = String(repeating: "x", count: 1 << 20)
        output.gate.withLock { _ in
            writer.write("first")
            for _ in 0..<10 { writer.write(line) }
            #expect(writer.droppedCount >= 6)
        }
        writer.flush()
        #expect(output.lines.first == "first")
        #expect(output.lines.last == "\(writer.droppedCount) lines dropped: nobody reads the log")
        #expect(output.lines.count == 12 - Int(writer.droppedCount))
    }
}
