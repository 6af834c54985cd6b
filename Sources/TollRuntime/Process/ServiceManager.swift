// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Tells the service manager that started this process how far it has come (sd_notify(3)): one datagram per notice to the socket
/// that `NOTIFY_SOCKET` names. Without one, nothing is told. Nobody waits for an answer, and a lost notice is no fault of ours.
public struct ServiceManager: Sendable {
    /// What is told.
    public enum Notice: Hashable, Sendable {
        /// The servers listen.
        case ready
        /// The configuration is read again; ends with ``ready``. At a time of the monotonic clock, which systemd asks for.
        case reloading(at: Duration)
        /// No more requests are taken.
        case stopping

        /// As sd_notify(3) writes it.
        var text: String {
            switch self {
            case .ready: "READY=1"
            case .reloading(let time): "RELOADING=1\nMONOTONIC_USEC=\(time.wholeMicroseconds)"
            case .stopping: "STOPPING=1"
            }
        }
    }

    private let socketPath: String?

    /// The manager that listens at `socketPath`: absolute, or with an `@` for the abstract namespace of unix(7).
    public init(socketPath: String?) {
        self.socketPath = socketPath.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The one that started this process.
    public static let ofProcess = ServiceManager(
        socketPath: unsafe getenv("NOTIFY_SOCKET").map { unsafe String(cString: $0) })

    /// Tells.
    public func tell(_ notice: Notice) {
        guard let socketPath = self.socketPath else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(socketPath.utf8)
        if path.first == UInt8(ascii: "@") { path[0] = 0 }
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.count < room else { return }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size - room + path.count)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array(notice.text.utf8)
        _ = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe text.withUnsafeBytes { text in
                    unsafe sendto(descriptor, text.baseAddress, text.count, Int32(MSG_NOSIGNAL), address, length)
                }
            }
        }
    }
}
