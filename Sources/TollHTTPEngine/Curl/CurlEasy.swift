// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CCurl
internal import TollHTTP

/// Who is called while a transfer runs. Called by libcurl, inside ``CurlMulti``'s calls, on the loop.
protocol CurlEasyDelegate: AnyObject {
    /// The connection is ready and the request is about to go out. False ends the transfer instead.
    func beforeRequest() -> Bool
    /// One line of a head or a trailer section, with its line end. False ends the transfer.
    func headerLine(_ line: Span<UInt8>) -> Bool
    /// Body. False to have the same bytes again after ``CurlEasy/resume(receiving:sending:)``.
    func body(_ bytes: Span<UInt8>) -> Bool
    /// Fills the buffer with body to send.
    func nextUpload(into buffer: UnsafeMutableRawBufferPointer) -> CurlEasy.Upload
    /// The request is to be sent anew from its body's start. False when that cannot be.
    func rewindUpload() -> Bool
}

/// One transfer of libcurl's. Owns the handle.
@safe
final class CurlEasy {
    /// What there is to send.
    enum Upload {
        case bytes(Int)
        /// Nothing yet: wait for ``resume(receiving:sending:)``.
        case later
        case end
    }

    /// What the transfer's end means, without libcurl's many codes.
    enum Ending {
        case complete
        case failed(HTTPError.Code, String)
    }

    let handle: UnsafeMutableRawPointer
    private var fieldList: UnsafeMutablePointer<curl_slist>?

    /// Nil when there is no memory.
    init?(delegate: some CurlEasyDelegate) {
        guard CurlEasy.isReady, let handle = unsafe curl_easy_init() else { return nil }
        unsafe self.handle = handle
        let context = unsafe Unmanaged.passRetained(DelegateBox(delegate)).toOpaque()
        unsafe self.context = context
        unsafe toll_curl_set_callbacks(handle, context, onHeader, onBody, onUpload, onSeek, onRequest)
    }

    deinit {
        unsafe curl_easy_cleanup(self.handle)
        unsafe curl_slist_free_all(self.fieldList)
        unsafe Unmanaged<DelegateBox>.fromOpaque(self.context).release()
    }

    private let context: UnsafeMutableRawPointer

    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// Sets everything up for a request. False when some of it is not taken.
    func prepare(_ request: ClientRequest, limits: ClientLimits, authorities: String?) -> Bool {
        var settings = unsafe Settings(handle: self.handle)
        settings.set(CURLOPT_URL, "\(request.origin)/")
        settings.set(CURLOPT_REQUEST_TARGET, String(decoding: request.target, as: UTF8.self))
        settings.set(CURLOPT_PATH_AS_IS, 1)
        settings.set(CURLOPT_PROTOCOLS_STR, "http,https")
        settings.set(CURLOPT_FOLLOWLOCATION, 0)
        settings.set(CURLOPT_PROXY, "")
        settings.set(CURLOPT_NOSIGNAL, 1)
        settings.set(CURLOPT_SSL_VERIFYPEER, 1)
        settings.set(CURLOPT_SSL_VERIFYHOST, 2)
        settings.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        let version = request.security.allowsHTTP2 ? Int(CURL_HTTP_VERSION_2TLS) : Int(CURL_HTTP_VERSION_1_1)
        settings.set(CURLOPT_HTTP_VERSION, version)
        settings.set(CURLOPT_CONNECTTIMEOUT_MS, Int((request.connectTime ?? limits.connectTime).nanoseconds / 1_000_000))
        settings.set(CURLOPT_MAXAGE_CONN, Int(limits.idleTime.nanoseconds / 1_000_000_000))
        settings.set(CURLOPT_BUFFERSIZE, 64 * 1024)
        if let authorities = request.security.authorities ?? authorities { settings.set(CURLOPT_CAINFO, authorities) }
        switch ClientMessage.framing(of: request) {
        case .none: break
        case .length(let length): settings.upload(length)
        case .chunked: settings.upload(nil)
        }
        if request.method == .head { settings.set(CURLOPT_NOBODY, 1) }
        settings.set(CURLOPT_CUSTOMREQUEST, request.method.token)
        unsafe self.fieldList = Self.list(request.fields)
        unsafe settings.set(CURLOPT_HTTPHEADER, self.fieldList)
        return settings.areTaken
    }

    /// Goes on with a transfer whose delegate had no room, or no bytes.
    ///
    /// - Parameters:
    ///   - receiving: False while the delegate still has no room.
    ///   - sending: False while the delegate still has nothing to send.
    func resume(receiving: Bool, sending: Bool) {
        let pause = (receiving ? 0 : CURLPAUSE_RECV) | (sending ? 0 : CURLPAUSE_SEND)
        _ = unsafe curl_easy_pause(self.handle, pause)
    }

    /// The lines of the fields, and an empty one for each field that libcurl would add by itself.
    private static func list(_ fields: Fields) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>? = nil
        for name: FieldName in [.expect, .accept, .userAgent] where !fields.contains(name) {
            unsafe list = curl_slist_append(list, "\(name):")
        }
        for (name, value) in fields {
            let name = String(decoding: name, as: UTF8.self)
            let line = Array((value.isEmpty ? "\(name);" : "\(name): ").utf8) + value + [0]
            unsafe line.withUnsafeBytes { line in
                guard let start = line.baseAddress else { return }
                unsafe list = curl_slist_append(list, start.assumingMemoryBound(to: CChar.self))
            }
        }
        return unsafe list
    }
}

/// Collects whether every option was taken.
@safe
private struct Settings {
    let handle: UnsafeMutableRawPointer
    private(set) var areTaken = true

    init(handle: UnsafeMutableRawPointer) { unsafe self.handle = handle }

    mutating func set(_ option: CURLoption, _ value: Int) { self.note(unsafe toll_curl_set_long(self.handle, option, value)) }

    mutating func set(_ option: CURLoption, _ value: String) { self.note(unsafe toll_curl_set_text(self.handle, option, value)) }

    mutating func set(_ option: CURLoption, _ value: UnsafeMutablePointer<curl_slist>?) {
        self.note(unsafe toll_curl_set_list(self.handle, option, value))
    }

    mutating func upload(_ length: UInt64?) {
        self.set(CURLOPT_UPLOAD, 1)
        self.note(unsafe toll_curl_set_size(self.handle, CURLOPT_INFILESIZE_LARGE, length.map { Int(clamping: $0) } ?? -1))
    }

    private mutating func note(_ code: CURLcode) { if code != CURLE_OK { self.areTaken = false } }
}

extension CurlEasy.Ending {
    /// - Parameter code: libcurl's `CURLcode`.
    init(code: UInt32) {
        let code = CURLcode(rawValue: code)
        let text = unsafe String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_OK: self = .complete
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: self = .failed(.connectFailed, text)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND:
            self = .failed(.tls, text)
        case CURLE_OPERATION_TIMEDOUT: self = .failed(.timedOut, text)
        case CURLE_OUT_OF_MEMORY: self = .failed(.unavailable, text)
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_SEND_FAIL_REWIND,
            CURLE_ABORTED_BY_CALLBACK:
            self = .failed(.disconnected, text)
        default: self = .failed(.malformed, text)
        }
    }
}

// MARK: Callbacks

private typealias Bytes = UnsafeMutablePointer<CChar>?
private typealias Context = UnsafeMutableRawPointer?

/// What libcurl's context points at.
private final class DelegateBox {
    weak var delegate: (any CurlEasyDelegate)?

    init(_ delegate: any CurlEasyDelegate) { self.delegate = delegate }

    static func delegate(_ context: Context) -> (any CurlEasyDelegate)? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<DelegateBox>.fromOpaque(context).takeUnretainedValue().delegate
    }
}

private func span<Result>(_ bytes: Bytes, _ count: Int, _ body: (Span<UInt8>) -> Result) -> Result {
    let raw = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
    return unsafe raw.withMemoryRebound(to: UInt8.self) { body(unsafe $0.span) }
}

private func onHeader(_ bytes: Bytes, _ size: Int, _ count: Int, _ context: Context) -> Int {
    guard let delegate = unsafe DelegateBox.delegate(context) else { return 0 }
    return unsafe span(bytes, size * count) { delegate.headerLine($0) } ? size * count : 0
}

private func onBody(_ bytes: Bytes, _ size: Int, _ count: Int, _ context: Context) -> Int {
    guard let delegate = unsafe DelegateBox.delegate(context) else { return 0 }
    return unsafe span(bytes, size * count) { delegate.body($0) } ? size * count : Int(CURL_WRITEFUNC_PAUSE)
}

private func onUpload(_ bytes: Bytes, _ size: Int, _ count: Int, _ context: Context) -> Int {
    guard let delegate = unsafe DelegateBox.delegate(context) else { return Int(CURL_READFUNC_ABORT) }
    switch unsafe delegate.nextUpload(into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) {
    case .bytes(let count): return count
    case .later: return Int(CURL_READFUNC_PAUSE)
    case .end: return 0
    }
}

private func onSeek(_ context: Context, _ offset: curl_off_t, _ origin: Int32) -> Int32 {
    guard offset == 0, origin == 0, let delegate = unsafe DelegateBox.delegate(context) else { return CURL_SEEKFUNC_FAIL }
    return delegate.rewindUpload() ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
}

private func onRequest(
    _ context: Context,
    _ peer: Bytes,
    _ local: Bytes,
    _ peerPort: Int32,
    _ localPort: Int32
) -> Int32 {
    let goesOn = unsafe DelegateBox.delegate(context)?.beforeRequest() ?? false
    return goesOn ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}
