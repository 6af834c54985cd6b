// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CCurl
internal import TollHTTP

/// libcurl's transfers on one loop: its sockets in the loop's epoll, its timer among the loop's deadlines. Lives as long
/// as the loop once it has been used.
@safe
final class CurlMulti: Watcher {
    let loop: EventLoop
    private let multi: UnsafeMutableRawPointer?
    private var sockets: [Int32: CurlSocket] = [:]
    private var transfers: [UnsafeMutableRawPointer: CurlTransfer] = unsafe [:]
    private var early: [CurlTransfer] = []
    private var isRegistered = false

    init(_ loop: EventLoop, limits: ClientLimits) {
        self.loop = loop
        unsafe self.multi = curl_multi_init()
        super.init()
        guard let multi = unsafe self.multi else { return }
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe toll_curl_multi_set_callbacks(multi, context, onSocket, onTimer)
        _ = unsafe toll_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, limits.connectionsPerOrigin)
        _ = unsafe toll_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limits.idleConnectionsPerOrigin)
    }

    deinit { unsafe curl_multi_cleanup(self.multi) }

    var core: LoopCore { self.loop.core }

    /// Starts a transfer, which is held until it ends or is removed.
    func add(_ transfer: CurlTransfer, _ easy: CurlEasy) throws(SystemError) {
        if !self.isRegistered {
            try self.core.register(self)
            self.isRegistered = true
        }
        unsafe self.transfers[easy.handle] = transfer
        _ = unsafe curl_multi_add_handle(self.multi, easy.handle)
    }

    /// Ends a transfer without its knowledge. Never inside a callback of libcurl's.
    func remove(_ easy: CurlEasy) {
        guard unsafe self.transfers.removeValue(forKey: easy.handle) != nil else { return }
        _ = unsafe curl_multi_remove_handle(self.multi, easy.handle)
    }

    // MARK: Events

    override func loopEnds() {
        self.isRegistered = false
        self.core.forget(self)
        for descriptor in self.sockets.keys { self.unwatch(descriptor) }
        unsafe toll_curl_multi_set_callbacks(self.multi, nil, nil, nil)
    }

    override func deadlinePassed() { self.act(CURL_SOCKET_TIMEOUT, 0) }

    fileprivate func act(_ socket: Int32, _ events: Int32) {
        var running: Int32 = 0
        _ = unsafe curl_multi_socket_action(self.multi, socket, events, &running)
        self.reap()
        while let transfer = self.early.popLast() { transfer.endedEarly() }
    }

    /// Calls ``CurlTransfer/endedEarly()`` when libcurl has returned.
    func endSoon(_ transfer: CurlTransfer) { self.early.append(transfer) }

    private func reap() {
        var code = CURLE_OK
        while let handle = unsafe toll_curl_multi_ended(self.multi, &code) {
            guard let transfer = unsafe self.transfers.removeValue(forKey: handle) else { continue }
            _ = unsafe curl_multi_remove_handle(self.multi, handle)
            transfer.ended(CurlEasy.Ending(code: code.rawValue))
        }
    }

    fileprivate func watch(_ descriptor: Int32, _ interest: Readiness) {
        if let socket = self.sockets[descriptor] {
            self.core.change(socket, descriptor, interest)
        } else {
            let socket = CurlSocket(descriptor, self)
            // A socket that cannot be watched stands still until its transfer's deadline.
            guard (try? self.core.register(socket, descriptor, interest)) != nil else { return }
            self.sockets[descriptor] = socket
        }
    }

    fileprivate func unwatch(_ descriptor: Int32) {
        guard let socket = self.sockets.removeValue(forKey: descriptor) else { return }
        self.core.unwatch(descriptor)
        self.core.forget(socket)
    }

    fileprivate func setTimer(milliseconds: Int) {
        if milliseconds < 0 {
            self.core.clearDeadline(self)
        } else {
            self.core.setDeadline(self, after: .milliseconds(milliseconds))
        }
    }
}

/// One of libcurl's sockets. Level-triggered: libcurl may leave bytes unread.
private final class CurlSocket: Watcher {
    private let descriptor: Int32
    private let multi: CurlMulti

    init(_ descriptor: Int32, _ multi: CurlMulti) {
        self.descriptor = descriptor
        self.multi = multi
    }

    override func ready(_ readiness: Readiness) {
        var events: Int32 = 0
        if readiness.contains(.readable) || readiness.contains(.hangup) { events |= CURL_CSELECT_IN }
        if readiness.contains(.writable) { events |= CURL_CSELECT_OUT }
        if readiness.contains(.failed) { events |= CURL_CSELECT_ERR }
        self.multi.act(self.descriptor, events)
    }
}

private func multi(_ context: UnsafeMutableRawPointer?) -> CurlMulti? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue()
}

private func onSocket(
    _ easy: UnsafeMutableRawPointer?,
    _ descriptor: curl_socket_t,
    _ what: Int32,
    _ context: UnsafeMutableRawPointer?,
    _ own: UnsafeMutableRawPointer?
) -> Int32 {
    guard let multi = unsafe multi(context) else { return -1 }
    switch what {
    case CURL_POLL_REMOVE: multi.unwatch(descriptor)
    case CURL_POLL_IN: multi.watch(descriptor, .readable)
    case CURL_POLL_OUT: multi.watch(descriptor, .writable)
    case CURL_POLL_INOUT: multi.watch(descriptor, [.readable, .writable])
    default: break
    }
    return 0
}

private func onTimer(_ handle: UnsafeMutableRawPointer?, _ milliseconds: Int, _ context: UnsafeMutableRawPointer?) -> Int32 {
    unsafe multi(context)?.setTimer(milliseconds: milliseconds)
    return 0
}
