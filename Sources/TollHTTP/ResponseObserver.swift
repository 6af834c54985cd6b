// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Whoever wants to know what became of a response: logs and metrics. Called in the handler's task; must not wait.
public protocol ResponseObserver: Sendable {
    /// A head was handed to the engine.
    func began(_ head: ResponseHead)
    /// So many bytes of body were accepted by the engine.
    func wrote(byteCount: Int)
}
