// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension X402V2.PaymentRequirements {
    /// Whether `accepted` is what these requirements offered; see ``mismatch(accepted:ignoring:)``.
    public func matches(accepted: Self, ignoring: Set<String> = [Self.challengeMember]) -> Bool {
        self.mismatch(accepted: accepted, ignoring: ignoring) == nil
    }

    /// The first member in which `accepted`, as a client sent it back, differs from these requirements; nil when it is theirs.
    ///
    /// Everything must be equal, but `accepted.extra` may hold more than ours, and members of `extra` named in `ignoring` are
    /// not compared: they differ from answer to answer. Addresses (`0x…`) of an EVM chain are compared without case, all
    /// else byte by byte.
    public func mismatch(accepted: Self, ignoring: Set<String> = [Self.challengeMember]) -> String? {
        guard self.scheme.hasSameBytes(as: accepted.scheme) else { return "scheme" }
        guard self.network == accepted.network else { return "network" }
        guard self.amount == accepted.amount else { return "amount" }
        guard self.isSameAddress(self.asset, accepted.asset) else { return "asset" }
        guard self.isSameAddress(self.payTo, accepted.payTo) else { return "payTo" }
        guard self.maxTimeoutSeconds == accepted.maxTimeoutSeconds else { return "maxTimeoutSeconds" }
        for (name, value) in self.extra?.members ?? [] where !ignoring.contains(name) {
            guard accepted.extra?[name] == value else { return "extra.\(name)" }
        }
        return nil
    }

    private func isSameAddress(_ left: String, _ right: String) -> Bool {
        guard self.network.namespace == "eip155", left.utf8.starts(with: "0x".utf8) else {
            return left.hasSameBytes(as: right)
        }
        return left.utf8.elementsEqual(right.utf8) { asciiLowercase($0) == asciiLowercase($1) }
    }
}

private func asciiLowercase(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
}
