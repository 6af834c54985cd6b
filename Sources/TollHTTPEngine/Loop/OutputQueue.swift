// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Bytes the kernel would not take yet.
struct OutputQueue {
    /// What a write came to.
    enum Outcome {
        /// The kernel has every byte.
        case sent
        /// Some bytes wait here for the socket to become writable.
        case queued
        /// The connection is broken.
        case broken
    }

    private var bytes: [UInt8] = []
    private var start = 0

    var isEmpty: Bool { self.start == self.bytes.count }

    /// Sends two pieces after what waits already, with one call where nothing does.
    mutating func write(_ first: [UInt8], _ second: [UInt8] = [], to socket: Socket) -> Outcome {
        guard self.isEmpty else {
            self.bytes += first
            self.bytes += second
            return .queued
        }
        switch socket.send(first, second) {
        case .failed: return .broken
        case .wouldBlock: self.keep(first, second, from: 0)
        case .count(let count) where count == first.count + second.count: return .sent
        case .count(let count): self.keep(first, second, from: count)
        }
        return .queued
    }

    /// Sends what waits. Call when the socket has become writable.
    mutating func flush(to socket: Socket) -> Outcome {
        while !self.isEmpty {
            switch socket.send(self.bytes, from: self.start) {
            case .failed: return .broken
            case .wouldBlock: return .queued
            case .count(let count): self.start += count
            }
        }
        self = OutputQueue()
        return .sent
    }

    private mutating func keep(_ first: [UInt8], _ second: [UInt8], from count: Int) {
        self.bytes.append(contentsOf: first.dropFirst(count))
        self.bytes.append(contentsOf: second.dropFirst(max(0, count - first.count)))
    }
}
