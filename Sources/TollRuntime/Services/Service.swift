// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Something that runs as long as the process does.
///
/// `run()` returns when the work is over, usually because the group asked for a graceful shutdown (see
/// ``withGracefulShutdownHandler(operation:onGracefulShutdown:)`` and ``gracefulShutdown()``) or cancelled the task. Returning
/// without being asked, or throwing, stops the whole group.
public protocol Service: Sendable {
    /// For logs and messages.
    var name: String { get }

    /// Runs until the work is over.
    func run() async throws
}

extension Service {
    /// The type's name.
    public var name: String { String(describing: Self.self) }
}
