// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Dispatch
private import Glibc
private import Synchronization

/// A signal that an operator sends.
public enum ProcessSignal: String, Hashable, Sendable, CaseIterable {
    /// SIGTERM: stop, politely.
    case terminate = "SIGTERM"
    /// SIGINT: the same, from a keyboard.
    case interrupt = "SIGINT"
    /// SIGHUP: read the configuration again.
    case hangup = "SIGHUP"
}

/// Signals as an asynchronous sequence.
///
/// The handlers write the signal's number into a pipe, the only thing a handler can safely do, and the pipe is read elsewhere.
/// Handlers, unlike ignored signals, do not pass to programs that this one starts.
public enum ProcessSignals {
    /// The signals among `signals` from now on. When the stream ends, or is no longer read, the earlier handlers are back.
    ///
    /// One stream at a time: a second one takes the signals from the first.
    public static func stream(of signals: Set<ProcessSignal>) throws(SystemCallError) -> AsyncStream<ProcessSignal> {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw SystemCallError(call: "pipe", code: errno) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        pipeEnd.store(writeEnd, ordering: .sequentiallyConsistent)
        let previous = signals.map { ($0.number, install(SignalAction.writing, for: $0.number)) }
        let (stream, continuation) = AsyncStream<ProcessSignal>.makeStream(bufferingPolicy: .bufferingNewest(16))
        // Dispatch sources may be cancelled from any thread, though their type does not say so.
        nonisolated(unsafe) let source = DispatchSource.makeReadSource(fileDescriptor: readEnd, queue: .global())
        unsafe source.setEventHandler {
            var byte: UInt8 = 0
            while unsafe read(readEnd, &byte, 1) == 1 {
                if let signal = ProcessSignal(number: Int32(byte)) { continuation.yield(signal) }
            }
        }
        unsafe source.setCancelHandler {
            for (number, action) in previous { _ = install(action, for: number) }
            _ = pipeEnd.compareExchange(expected: writeEnd, desired: -1, ordering: .sequentiallyConsistent)
            close(readEnd)
            close(writeEnd)
        }
        unsafe source.activate()
        continuation.onTermination = { _ in unsafe source.cancel() }
        return stream
    }

    /// Makes writing to a connection that was closed an error instead of the end of the process.
    public static func ignoreBrokenPipes() {
        _ = install(SignalAction.ignoring, for: SIGPIPE)
    }

    /// Has a signal do nothing until somebody asks for it with ``stream(of:)``.
    public static func ignore(_ signal: ProcessSignal) {
        _ = install(SignalAction.ignoring, for: signal.number)
    }

    /// Leaves the process at once, without what usually runs at its end.
    public static func leave(status: Int32) -> Never {
        _exit(status)
    }

    /// Where the handler writes; -1 when nobody reads. Global because a handler has no other way to it.
    private static let pipeEnd = Atomic<Int32>(-1)

    private enum SignalAction {
        static var writing: sigaction {
            action { number in
                let code = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = unsafe write(ProcessSignals.pipeEnd.load(ordering: .sequentiallyConsistent), &byte, 1)
                errno = code
            }
        }

        static var ignoring: sigaction { action(SIG_IGN) }

        private static func action(_ handler: __sighandler_t?) -> sigaction {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = handler
            action.sa_flags = SA_RESTART
            return action
        }
    }

    private static func install(_ action: sigaction, for number: Int32) -> sigaction {
        var (action, previous) = (action, sigaction())
        _ = unsafe sigaction(number, &action, &previous)
        return previous
    }
}

extension ProcessSignal {
    fileprivate var number: Int32 {
        switch self {
        case .terminate: SIGTERM
        case .interrupt: SIGINT
        case .hangup: SIGHUP
        }
    }

    fileprivate init?(number: Int32) {
        guard let signal = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = signal
    }
}

/// A system call failed in a way that the program cannot mend.
public struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Its name.
    public var call: String
    /// `errno`.
    public var code: Int32

    /// Name and number.
    public var description: String { "\(self.call) failed with error \(self.code)" }
}
