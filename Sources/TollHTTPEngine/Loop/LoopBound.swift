// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A reference that everyone may hold and only its loop may use.
struct LoopBound<Value>: Sendable {
    let loop: EventLoop
    private nonisolated(unsafe) let value: Value

    /// Gives `value` over to the loop.
    init(_ value: sending Value, on loop: EventLoop) {
        self.loop = loop
        unsafe self.value = value
    }

    /// Wraps a value that is on the loop already. Only on the loop's thread.
    init(current value: Value, of loop: EventLoop) {
        precondition(loop.isCurrent, "A value of a loop is wrapped on another thread.")
        self.loop = loop
        unsafe self.value = value
    }

    /// The value when this is the loop's thread, else nil.
    var ifCurrent: Value? { self.loop.isCurrent ? unsafe self.value : nil }

    /// Uses the value on the loop: at once when this is its thread, else soon.
    func execute(_ action: @escaping @Sendable (Value) -> Void) {
        if let value = self.ifCurrent { return action(value) }
        self.loop.execute { _ in action(unsafe self.value) }
    }
}
