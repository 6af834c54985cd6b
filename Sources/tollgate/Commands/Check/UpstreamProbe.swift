// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollPrimitives
import TollRuntime

/// Asks each upstream for a page that cannot exist, and reads its error page as a stranger would: private addresses, stack traces
/// and versions are told to whoever asks, also through the gateway.
struct UpstreamProbe {
    /// For the head, and for the body: an upstream that is slow to say "not found" is not waited for.
    private static let deadline: Duration = .seconds(5)
    /// An error page is read so far.
    private static let byteCountMax = 64 << 10

    let configuration: Configuration
    let client: any HTTPClient

    /// A warning for each thing that is told; one where an upstream does not answer.
    func findings() async -> [Finding] {
        var findings: [Finding] = []
        for upstream in self.configuration.upstreams {
            findings += await self.findings(of: upstream)
        }
        return findings
    }

    private func findings(of upstream: Configuration.Upstream) async -> [Finding] {
        func warning(_ message: String, _ remedy: String) -> Finding {
            self.configuration.finding(.warning, at: upstream.place, message, remedy: remedy)
        }
        guard let origin = try? Origin(parsing: upstream.url.origin) else { return [] }
        var generator = SystemRandomNumberGenerator()
        let target = "/tollgate-check-\(Hex.encode((0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) }))"
        var request = ClientRequest(.get, origin, target: Array(target.utf8), fields: ["User-Agent": "tollgate check"])
        (request.deadline, request.bodyIdle) = (Self.deadline, Self.deadline)
        do throws(HTTPError) {
            let answer = try await self.client.send(request)
            var body: [UInt8] = []
            while body.count < Self.byteCountMax, let piece = try await answer.body.next() { body += piece }
            let hidden = Set(upstream.strip.map { $0.lowercased() })
            return ErrorPage(answer.head, body: body).leaks(hiding: hidden).map { warning($0.message, $0.remedy) }
        } catch {
            return [warning("does not answer: \(error)", "start it, or correct its URL")]
        }
    }
}

/// An upstream's answer to a request for what cannot exist.
struct ErrorPage {
    /// Something that a stranger should not be told.
    struct Leak: Hashable {
        let message: String
        let remedy: String
    }

    /// What runtimes write above and between the lines of a stack.
    private static let stackMarks = [
        "Traceback (most recent call last)", "goroutine 1 [", "    at ", "\tat ", ".java:", "System.NullReferenceException",
        "Whitelabel Error Page", "node_modules/", "site-packages/", "vendor/bundle/", "Fatal error: ", "panic: ", "stacktrace",
    ]
    private static let versionFields = ["server", "x-powered-by", "x-aspnet-version", "x-runtime", "via"]

    private let head: ResponseHead
    private let text: String

    init(_ head: ResponseHead, body: [UInt8]) {
        self.head = head
        self.text = String(decoding: body, as: UTF8.self)
    }

    /// - Parameter hidden: Fields that the gateway removes, in lower case.
    func leaks(hiding hidden: Set<String>) -> [Leak] {
        var leaks: [Leak] = []
        for name in Self.versionFields where !hidden.contains(name) {
            guard let field = FieldName(name), let value = self.head.fields.firstText(field), value.contains(where: \.isNumber)
            else {
                continue
            }
            let remedy = "write `strip: [\(name)]` at the upstream, or turn it off there"
            leaks.append(Leak(message: "tells its version in `\(name): \(Finding.excerpt(value))`", remedy: remedy))
        }
        if let address = Self.privateAddress(in: self.text) {
            leaks.append(
                Leak(message: "its error page names the private address \(address)", remedy: "give it a plain error page"))
        }
        if let mark = Self.stackMarks.first(where: { self.text.contains($0) }) {
            let words = mark.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            leaks.append(
                Leak(message: "its error page shows a stack trace (`\(words)`)", remedy: "turn its debug mode off"))
        }
        return leaks
    }

    /// The first address of RFC 1918, RFC 4193's common form, or loopback, in a text.
    private static func privateAddress(in text: String) -> String? {
        for word in text.split(whereSeparator: { !($0.isHexDigit || $0 == "." || $0 == ":") }) {
            let host = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)[0]
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            let octets = parts.compactMap { $0.count <= 3 ? UInt8($0) : nil }
            guard parts.count == 4, octets.count == 4 else { continue }
            switch (octets[0], octets[1]) {
            case (10, _), (127, _), (192, 168), (172, 16...31), (169, 254): return String(host)
            default: continue
            }
        }
        return nil
    }
}
