// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A value that never changes, behind one reference: what passes it on from step to step pays for that reference, and not for
/// everything that the value consists of.
@dynamicMemberLookup
final class Shared<Value: Sendable>: Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }

    subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { self.value[keyPath: member] }
}
