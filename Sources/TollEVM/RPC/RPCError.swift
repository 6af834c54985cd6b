// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Why a call to a node gave no result. What the chain says, what the node says and what the network does are never confused:
/// the first two are answers, the last is none.
public enum RPCError: Error, Hashable, Sendable {
    /// The call was executed and reverted. `data` is what the contract returned, see ``revertReason``.
    case revert(data: [UInt8], message: String)
    /// The node understood and said no.
    case rejected(code: Int64, message: String, reason: Rejection)
    /// No answer, or none that can be understood. Nothing is known about the chain.
    /// `mayHaveBeenDelivered` is false only when it is certain that no node acted on the request.
    case unavailable(reason: String, mayHaveBeenDelivered: Bool)

    /// What a node objects to, read from its message: JSON-RPC has no codes for it, and nodes word it alike.
    public enum Rejection: Hashable, Sendable {
        /// A transaction with this nonce is already in a block: this one, or one in its place.
        case nonceTooLow
        /// The nonce leaves a gap larger than the pool allows.
        case nonceTooHigh
        /// The pool has this very transaction.
        case alreadyKnown
        /// The sender cannot pay value and gas.
        case insufficientFunds
        /// Another transaction has the nonce, and this one's fees are not enough above its.
        case replacementUnderpriced
        /// The fees are below what the pool or the next block takes.
        case underpriced
        /// The gas limit is below what any such transaction uses, or above a block's.
        case gasLimit
        /// More blocks were asked for, or more logs found, than the node says at once.
        case tooMuch
        /// The node has no such method.
        case methodNotFound
        /// Anything else.
        case other
    }

    /// What a reverted contract said: the text of `Error(string)`, the code of `Panic(uint256)`, or else the node's message.
    public var revertReason: String? {
        guard case .revert(let data, let message) = self else { return nil }
        let arguments = Array(data.dropFirst(4))
        switch Array(data.prefix(4)) {
        case Self.errorSelector:
            return (try? ABI.decode([.bytes], from: arguments))?[0].string ?? message
        case Self.panicSelector:
            return (try? ABI.decode([.word], from: arguments))?[0].integer.map { "panic \($0.hexQuantity)" } ?? message
        default:
            return message
        }
    }

    /// Whether it is ``unavailable(reason:mayHaveBeenDelivered:)``.
    public var isUnavailable: Bool { if case .unavailable = self { true } else { false } }

    private static let errorSelector = ABI.selector("Error(string)")
    private static let panicSelector = ABI.selector("Panic(uint256)")
}

extension RPCError: CustomStringConvertible {
    /// For logs; the node's own words are cut short.
    public var description: String {
        switch self {
        case .revert(let data, let message): "reverted: \(self.revertReason ?? message) (\(data.count) bytes of data)"
        case .rejected(let code, let message, let reason): "rejected (\(reason), code \(code)): \(message.prefix(200))"
        case .unavailable(let reason, let delivered): "unavailable\(delivered ? ", perhaps delivered" : ""): \(reason)"
        }
    }
}

extension RPCError {
    /// Reads the `error` member of a reply. 3 is go-ethereum's code for a failed execution, -32015 OpenEthereum's.
    init(code: Int64, message: String, data: JSON?) {
        let lowered = message.lowercased()
        if code == 3 || code == -32015 || Self.revertPhrases.contains(where: { lowered.contains($0) }) {
            self = .revert(data: Self.revertData(data), message: message)
        } else if lowered.hasPrefix("known transaction") {  // Besu's; as a phrase it would be found in "unknown transaction".
            self = .rejected(code: code, message: message, reason: .alreadyKnown)
        } else if let reason = Self.rejections.first(where: { lowered.contains($0.phrase) })?.reason {
            self = .rejected(code: code, message: message, reason: reason)
        } else if code == -32601 {
            self = .rejected(code: code, message: message, reason: .methodNotFound)
        } else if Self.faultCodes.contains(code) || Self.faultPhrases.contains(where: { lowered.contains($0) }) {
            self = .uninformative("the node answered with error \(code): \(message.prefix(200))")
        } else {
            self = .rejected(code: code, message: message, reason: .other)
        }
    }

    /// Most nodes put the data in hex beside the message; some put it one object deeper.
    private static func revertData(_ data: JSON?) -> [UInt8] {
        let text = data?.string ?? data?["data"]?.string ?? data?["result"]?.string
        return text.flatMap { Hex.decode($0) } ?? []
    }

    /// go-ethereum's and its kin's; Hardhat's; and the ways to fail without `REVERT`, which older contracts do.
    private static let revertPhrases = [
        "execution reverted", "vm exception while processing transaction: revert", "invalid opcode", "invalid jump destination",
        "stack underflow", "out of gas",
    ]

    /// The first phrase found decides, so the narrow ones stand before the wide ones. From go-ethereum's `txpool` and `core`
    /// errors, and from Nethermind's, Erigon's, Besu's, reth's and anvil's where they differ.
    private static let rejections: [(phrase: String, reason: Rejection)] = [
        ("already known", .alreadyKnown),
        ("alreadyknown", .alreadyKnown),
        ("already imported", .alreadyKnown),
        ("nonce too low", .nonceTooLow),
        ("nonce is too low", .nonceTooLow),
        ("nonce_too_low", .nonceTooLow),
        ("oldnonce", .nonceTooLow),
        ("nonce too high", .nonceTooHigh),
        ("nonce gap", .nonceTooHigh),
        ("insufficient funds", .insufficientFunds),
        ("insufficientfunds", .insufficientFunds),
        ("upfront cost exceeds account balance", .insufficientFunds),
        ("replacement transaction underpriced", .replacementUnderpriced),
        ("replacement transaction gas price too low", .replacementUnderpriced),
        ("replacementnotallowed", .replacementUnderpriced),
        ("max fee per gas less than block base fee", .underpriced),
        ("fee cap less than block base fee", .underpriced),
        ("underpriced", .underpriced),
        ("feetoolow", .underpriced),
        ("gas price below", .underpriced),
        ("intrinsic gas", .gasLimit),
        ("exceeds block gas limit", .gasLimit),
        ("gas limit exceeded", .gasLimit),
        // What hosted nodes say of `eth_getLogs`, some under codes that say "busy" elsewhere.
        ("query returned more than", .tooMuch),
        ("query exceeds max", .tooMuch),
        ("block range is too", .tooMuch),
        ("block range too", .tooMuch),
        ("block range limit", .tooMuch),
        ("maximum block range", .tooMuch),
        ("range is too large", .tooMuch),
        ("range too large", .tooMuch),
        ("range limit", .tooMuch),
        ("max range", .tooMuch),
        ("response size", .tooMuch),
        ("too many logs", .tooMuch),
        ("too many results", .tooMuch),
        ("eth_getlogs is limited to", .tooMuch),
        ("eth_getlogs requests with up to", .tooMuch),
    ]

    /// EIP-1474: internal error, resource unavailable, limit exceeded. -32097 and 429: what hosted nodes answer when busy.
    private static let faultCodes: Set<Int64> = [-32603, -32002, -32005, -32097, 429]

    /// A node that is behind, pruned or busy, whatever its code.
    private static let faultPhrases = [
        "header not found", "unknown block", "missing trie node", "state is not available", "state not available", "rate limit",
        "too many requests", "timeout", "timed out", "temporarily unavailable",
    ]
}
