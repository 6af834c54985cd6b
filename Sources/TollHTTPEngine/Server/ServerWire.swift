// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A connection's way out: plain, or through TLS. Only connections over TLS pay for it.
struct ServerWire {
    let socket: Socket
    /// Nil where HTTP is spoken in the clear.
    private(set) var tls: TLSSession?
    private var output = OutputQueue()

    init(_ socket: Socket, _ tls: TLSSession?) {
        self.socket = socket
        self.tls = tls
    }

    /// True when the kernel has taken everything.
    var isEmpty: Bool { self.output.isEmpty }

    /// Sends two pieces after what waits already, with one call where nothing does.
    mutating func write(_ first: [UInt8], _ second: [UInt8] = []) -> OutputQueue.Outcome {
        guard let tls = self.tls else { return self.output.write(first, second, to: self.socket) }
        guard let sealed = tls.seal(first, second) else { return .broken }
        return self.output.write(sealed, to: self.socket)
    }

    /// Sends what waits. Call when the socket has become writable.
    mutating func flush() -> OutputQueue.Outcome { self.output.flush(to: self.socket) }

    /// Sends what TLS itself has to say.
    mutating func sendHandshake() -> OutputQueue.Outcome {
        guard let bytes = self.tls?.takeOutput(), !bytes.isEmpty else { return self.isEmpty ? .sent : .queued }
        return self.output.write(bytes, to: self.socket)
    }

    /// Goes on in the clear, with a client that began so.
    mutating func dropTLS() { self.tls = nil }

    /// Closes our side: nothing more comes.
    mutating func shutdownWrite() {
        self.sendEnd()
        self.socket.shutdownWrite()
    }

    /// Closes the socket. A client over TLS is told that nothing was cut off where that is so.
    mutating func close(isWhole: Bool) {
        if isWhole { self.sendEnd() }
        self.socket.close()
        self.tls = nil
        self.output = OutputQueue()
    }

    private mutating func sendEnd() {
        guard let tls = self.tls, self.isEmpty else { return }
        // Whether the kernel takes it or not, the socket is closed next.
        let end = tls.takeEnd()
        if !end.isEmpty { _ = self.socket.send(end) }
    }
}
