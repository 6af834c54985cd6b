// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import TollRuntime

@Suite struct ServiceManagerTests {
    /// The manager's end: a datagram socket in the abstract namespace, so that no file is left.
    private struct Listener: ~Copyable {
        let descriptor: Int32
        let name: String

        init() throws {
            self.name = "tollgate-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            self.descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { [name] in unsafe $0.copyBytes(from: [0] + Array(name.utf8)) }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + self.name.utf8.count)
            let bound = unsafe withUnsafePointer(to: &address) { [descriptor] in
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
            }
            try #require(bound == 0)
        }

        deinit { close(self.descriptor) }

        func receive() -> String {
            var bytes = [UInt8](repeating: 0, count: 1_000)
            let count = unsafe recv(self.descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return count < 0 ? "" : String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }

    @Test func `notices arrive as sd_notify writes them`() throws {
        let listener = try Listener()
        let manager = ServiceManager(socketPath: "@" + listener.name)
        manager.tell(.ready)
        #expect(listener.receive() == "READY=1")
        manager.tell(.reloading(at: .seconds(12) + .microseconds(34)))
        #expect(listener.receive() == "RELOADING=1\nMONOTONIC_USEC=12000034")
        manager.tell(.stopping)
        #expect(listener.receive() == "STOPPING=1")
    }

    @Test(arguments: [nil, "", "@nobody-listens-here", "/no/such/socket", String(repeating: "x", count: 200)])
    func `without a manager nothing happens`(path: String?) {
        ServiceManager(socketPath: path).tell(.ready)
    }
}
