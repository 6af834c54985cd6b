// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The memory a loop's sockets read into, one read at a time: a connection owns no buffer while it waits.
@safe
final class ReceiveBuffer {
    /// One read takes what a fast sender has ready, and stays inside the second-level cache.
    static let byteCount = 64 * 1024

    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: ReceiveBuffer.byteCount, alignment: 64)

    deinit { unsafe self.memory.deallocate() }

    func receive(from socket: Socket) -> Socket.Transfer { unsafe socket.receive(into: self.memory) }

    /// Has someone else write into the memory.
    func fill<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result { unsafe body(self.memory) }

    /// The first `count` bytes read last. `body` must not read again.
    func withBytes<Result>(_ count: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: self.memory[..<count])
        return unsafe bytes.withMemoryRebound(to: UInt8.self) { body(unsafe $0.span) }
    }
}
