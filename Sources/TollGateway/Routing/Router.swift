// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Chooses the route of a request by the very bytes that are forwarded. The first match wins.
struct Router: Sendable {
    /// What the router decided.
    enum Decision: Hashable {
        /// The route at this position.
        case route(Int)
        /// No pattern matches the path: 404.
        case notFound
        /// A pattern matches the path, with other methods: 405.
        case methodNotAllowed(allow: [String])
        /// The path can be read in two ways, and one of them is priced: 400.
        case ambiguous
        /// Percent signs without digits, controls: 400.
        case malformed
    }

    private struct Entry {
        let pattern: RoutePattern
        let isPriced: Bool
    }

    private let entries: [Entry]

    /// Routes in the order of the configuration.
    init(_ routes: [(pattern: RoutePattern, isPriced: Bool)]) {
        self.entries = routes.map { Entry(pattern: $0.pattern, isPriced: $0.isPriced) }
    }

    func decide(_ method: Method, path: ArraySlice<UInt8>) -> Decision {
        switch PathReading.second(path) {
        case .same: break
        case .malformed: return .malformed
        case .other(let reading):
            // With methods set aside, and again with this one: a server behind us may heed it or not.
            for takesMethod in [{ (_: RoutePattern) in true }, { $0.takes(method) }] {
                let raw = self.entries.firstIndex { takesMethod($0.pattern) && $0.pattern.matches(path) }
                let lenient = self.entries.firstIndex { takesMethod($0.pattern) && $0.pattern.matches(reading: reading[...]) }
                if raw != lenient, self.isPriced(raw) || self.isPriced(lenient) { return .ambiguous }
            }
        }
        var others: [String] = []
        for (index, entry) in self.entries.enumerated() where entry.pattern.matches(path) {
            if entry.pattern.takes(method) { return .route(index) }
            if let method = entry.pattern.method { others.append(method.token) }
        }
        return others.isEmpty ? .notFound : .methodNotAllowed(allow: others)
    }

    private func isPriced(_ index: Int?) -> Bool {
        index.map { self.entries[$0].isPriced } ?? false
    }
}
