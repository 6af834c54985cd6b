// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A task that waits for its loop, several times in every request.
///
/// That it is resumed, and only once, is checked where tests run. Checking takes memory for each wait, and hides from the
/// compiler what the class consists of that holds one.
@safe
struct LoopContinuation<Value>: Sendable {
    #if DEBUG
        fileprivate let task: CheckedContinuation<Value, Never>
    #else
        fileprivate let task: UnsafeContinuation<Value, Never>
    #endif

    /// Lets the task go on.
    func resume(returning value: sending Value) {
        #if DEBUG
            self.task.resume(returning: value)
        #else
            unsafe self.task.resume(returning: value)
        #endif
    }
}

extension LoopContinuation<Void> {
    /// Lets the task go on.
    func resume() { self.resume(returning: ()) }
}

/// Has a task wait until what `body` is given is resumed.
func withLoopContinuation<Value>(_ body: (LoopContinuation<Value>) -> Void) async -> sending Value {
    #if DEBUG
        await withCheckedContinuation { body(LoopContinuation(task: $0)) }
    #else
        await unsafe withUnsafeContinuation { unsafe body(LoopContinuation(task: $0)) }
    #endif
}
