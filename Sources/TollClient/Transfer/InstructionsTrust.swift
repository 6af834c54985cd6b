// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
public import TollPayments
internal import TollPrimitives
public import TollProtocol

/// Whether somebody vouches for instructions who may.
///
/// TLS says that they came from the origin. The signature says so to others, later, when a transfer is disputed; and it does
/// not hold for what somebody between the gateway and the buyer wrote.
public enum InstructionsTrust: Hashable, Sendable {
    /// The recipient's own account signed them, or one that the origin lists.
    case vouched(by: String)
    /// This account signed them; the origin's list has to be seen.
    case needsList(signer: String)
    /// Nobody signed them, or nobody who may: only who asks for it pays them.
    case doubtful(reason: String)
    /// The signature is wrong: nobody pays them.
    case refused(reason: String)

    /// What the signature alone says.
    public init(_ instructions: TransferProof.Instructions, _ reader: any InstructionsReader) {
        switch reader.author(of: instructions) {
        case .nobody: self = .doubtful(reason: "nobody has signed the instructions")
        case .account(let account):
            let isRecipient = NetworkDirectory.isSame(account, instructions.recipient, on: instructions.network)
            self = isRecipient ? .vouched(by: account) : .needsList(signer: account)
        case .notBy(let account): self = .refused(reason: "the instructions are not signed by \(account), whom they name")
        case .malformed: self = .refused(reason: "the signature of the instructions cannot be read")
        }
    }

    /// What the origin's list says of `signer`.
    public static func listed(_ signer: String, in signers: ListedSigners) -> InstructionsTrust {
        switch signers {
        case .listed(let accounts) where accounts.contains { $0.lowercased() == signer.lowercased() }: .vouched(by: signer)
        case .listed:
            .doubtful(reason: "\(signer) has signed the instructions, who is not their recipient and not listed by the origin")
        case .unknown(let reason):
            .doubtful(reason: "\(signer) has signed the instructions, and who may sign for the origin is unknown: \(reason)")
        }
    }
}

/// The accounts that an origin lists as signers of its instructions.
public enum ListedSigners: Hashable, Sendable {
    /// These.
    case listed([String])
    /// The list cannot be had.
    case unknown(reason: String)

    /// Where it is, at every origin.
    static let path = "/.well-known/x402"
    /// Bytes of the document that are read.
    private static let documentSizeMax = 1 << 20
    /// More are not looked at.
    private static let countMax = 64

    /// Fetches the list of `origin`. A redirect is not followed: it would let another origin say who signs for this one.
    public static func fetch(_ origin: Origin, _ client: any HTTPClient) async -> ListedSigners {
        guard let url = try? URLParts(parsing: origin.description + Self.path) else {
            return .unknown(reason: "\(origin) has no place for it")
        }
        do throws(HTTPError) {
            let response = try await client.send(ClientRequest(.get, url, fields: ["Accept": "application/json"]))
            guard response.head.status == 200 else { return .unknown(reason: "\(url) answers \(response.head.status)") }
            guard let body = try? await response.body.collect(upTo: Self.documentSizeMax), let json = try? JSON(parsing: body)
            else { return .unknown(reason: "\(url) is no JSON of at most \(Self.documentSizeMax >> 20) MiB") }
            let accounts = json["signers"]?.array?.prefix(Self.countMax).compactMap(\.string)
            return accounts.map { .listed($0) } ?? .unknown(reason: "\(url) lists no signers")
        } catch {
            return .unknown(reason: "\(url): \(error.reason)")
        }
    }
}

/// Reads no signatures: what is signed counts as wrongly signed.
public struct NoInstructionsReader: InstructionsReader {
    /// A reader that knows nobody.
    public init() {}

    /// Never an account.
    public func author(of instructions: TransferProof.Instructions) -> InstructionsAuthor {
        instructions.signature == nil ? .nobody : .malformed
    }
}
