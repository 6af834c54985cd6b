// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Something dear, made when it is first asked for and then shared by all who ask.
actor SharedValue<Value: Sendable> {
    private let make: @Sendable () async throws -> Value
    private var made: Result<Value, any Error>?
    private var isMaking = false
    private var waiting: [CheckedContinuation<Result<Value, any Error>, Never>] = []

    init(_ make: @escaping @Sendable () async throws -> Value) {
        self.make = make
    }

    var value: Value {
        get async throws {
            if let made { return try made.get() }
            if self.isMaking { return try await withCheckedContinuation { self.waiting.append($0) }.get() }
            self.isMaking = true
            let result: Result<Value, any Error>
            do { result = .success(try await self.make()) } catch { result = .failure(error) }
            self.made = result
            for waiter in self.waiting { waiter.resume(returning: result) }
            self.waiting = []
            return try result.get()
        }
    }
}
