// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Dispatch
private import Synchronization

/// Writes lines to standard error from a thread of its own: whoever logs never waits for a terminal or a pipe.
///
/// What nobody reads fills no memory: over ``byteCountMax`` lines are dropped, counted, and the gap is written in their place.
public final class LogWriter: Sendable {
    /// Some thousands of lines: a reader that is away for longer than that is none.
    static let byteCountMax = 4 << 20

    private struct State {
        var pending: [UInt8] = []
        var isWriting = false
        var droppedSince = 0
        var dropped: UInt64 = 0
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "log")
    private let output: @Sendable ([UInt8]) -> Void

    /// - Parameter output: Takes the bytes of whole lines; may block.
    public init(
        output: @escaping @Sendable ([UInt8]) -> Void = { StandardStreams.writeError(String(decoding: $0, as: UTF8.self)) }
    ) {
        self.output = output
    }

    /// Lines that were dropped so far.
    public var droppedCount: UInt64 { self.state.withLock { $0.dropped } }

    /// Takes a line without its line break.
    public func write(_ line: String) {
        let mustStart = self.state.withLock { state in
            guard state.pending.count + line.utf8.count < Self.byteCountMax else {
                state.droppedSince += 1
                state.dropped += 1
                return false
            }
            state.pending.append(contentsOf: line.utf8)
            state.pending.append(0x0A)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { self.queue.async { self.drain() } }
    }

    /// Waits until all that was taken is written: before the process ends.
    public func flush() { self.queue.sync { self.drain() } }

    private func drain() {
        while let bytes = self.take() { self.output(bytes) }
    }

    private func take() -> [UInt8]? {
        self.state.withLock { state in
            if state.droppedSince > 0 {
                state.pending.append(contentsOf: "\(state.droppedSince) lines dropped: nobody reads the log\n".utf8)
                state.droppedSince = 0
            }
            guard !state.pending.isEmpty else {
                state.isWriting = false
                return nil
            }
            defer { state.pending = [] }
            return state.pending
        }
    }
}
