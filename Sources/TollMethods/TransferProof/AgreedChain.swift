// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollEVM
internal import TollPrimitives

/// A chain as its nodes tell it together. Where several are configured, what would let somebody in counts only when two of them
/// say the same: one that lies, or follows a fork, lets in nobody.
public struct AgreedChain: Sendable {
    /// Each asks one node alone.
    private let nodes: [EVMClient]

    /// - Parameter nodes: A client for each node; at least one.
    public init(nodes: [EVMClient]) {
        self.nodes = nodes
    }

    /// How many have to say the same.
    private var quorum: Int { min(2, self.nodes.count) }

    /// What two nodes say alike, the preferred ones asked first; nil when they contradict each other.
    ///
    /// - Throws: When too few answer to agree.
    func ask<Value: Hashable>(_ query: EVMQuery<Value>) async throws(RPCError) -> Value? {
        var counts: [Value: Int] = [:]
        var last: RPCError?
        for node in self.nodes {
            do throws(RPCError) {
                let value = try await node.ask(query)
                counts[value, default: 0] += 1
                if counts[value] == self.quorum { return value }
            } catch { last = error }
        }
        let answered = counts.values.reduce(0, +)
        if answered < self.quorum, let last { throw last }
        return nil
    }

    /// The newest block of which two nodes say that it lies so deep; 0 when they name none.
    ///
    /// - Throws: When too few answer.
    func newest(_ tag: BlockTag) async throws(RPCError) -> UInt64 {
        var heads: [UInt64] = []
        var last: RPCError?
        for node in self.nodes where heads.count < max(self.quorum, 1) {
            do throws(RPCError) { heads.append(try await node.ask(.block(tag))?.number ?? 0) } catch { last = error }
        }
        if heads.count < self.quorum, let last { throw last }
        return heads.min() ?? 0
    }
}
