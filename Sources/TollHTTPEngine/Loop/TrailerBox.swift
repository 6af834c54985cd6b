// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP

/// The trailers of a body, set by the loop at its end and read by whoever consumed it.
final class TrailerBox: Sendable {
    private let state = Mutex(Fields())

    var fields: Fields { self.state.withLock { $0 } }

    func set(_ fields: Fields) { self.state.withLock { $0 = fields } }
}
