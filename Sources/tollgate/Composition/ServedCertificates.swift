// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollHTTPEngine
import TollRuntime

/// The certificates that the servers have, replaced while they run. New connections get the new ones; open ones keep theirs.
final class ServedCertificates: Sendable {
    typealias Listener = (tls: ServerTLS, location: Configuration.Listener.Location, certificates: [Configuration.Certificate])

    private let listeners: Mutex<[Listener]>

    init(_ listeners: [Listener]) { self.listeners = Mutex(listeners) }

    /// Serves those of a configuration read again, where it listens as before.
    func replace(by configuration: Configuration) {
        self.listeners.withLock { listeners in
            for index in listeners.indices {
                let same = configuration.everyListener.first { $0.location == listeners[index].location }
                if let same, same.isSecure { Self.serve(same.certificates, &listeners[index]) }
            }
        }
    }

    /// Serves those whose files have changed. While a file is missing, or belongs to another key, those served stay.
    func reread(from secrets: SecretSource, log: Logger) {
        self.listeners.withLock { listeners in
            for index in listeners.indices {
                let (_, location, served) = listeners[index]
                do {
                    let read = try served.map { try $0.reread(from: secrets) }
                    guard read.map(\.text) != served.map(\.text) else { continue }
                    Self.serve(read, &listeners[index])
                    log.info("certificates renewed", ["address": location])
                } catch {
                    log.warning("certificates cannot be read again", ["address": location, "reason": "\(error)"])
                }
            }
        }
    }

    private static func serve(_ certificates: [Configuration.Certificate], _ listener: inout Listener) {
        listener.tls.replace(with: certificates.map(\.identity))
        listener.certificates = certificates
    }
}

/// Looks once a minute whether a certificate has been renewed, so that nobody has to tell the process.
struct CertificateWatch: Service {
    /// Whoever renews does so weeks before the end: a minute later is early enough.
    private static let interval: Duration = .seconds(60)

    let name = "certificates"
    let certificates: ServedCertificates
    let environment: Environment
    let log: Logger

    func run() async throws {
        let watch = self
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    try await watch.environment.sleep(for: Self.interval)
                    watch.certificates.reread(from: .process, log: watch.log)
                }
            }
        } catch is CancellationError {}
    }
}
