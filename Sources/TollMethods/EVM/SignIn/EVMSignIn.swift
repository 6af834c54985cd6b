// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
public import TollEVM
public import TollPayments
public import TollPrimitives
public import TollProtocol

/// Signs in with accounts of EVM chains: keys by recovery (EIP-191), contracts by asking them (ERC-1271).
public struct EVMSignIn: SignInVerifier {
    private let nodes: [ChainID: EVMClient]

    /// Takes keys of every EVM chain, and contracts of those in `nodes`.
    public init(nodes: [ChainID: EVMClient]) {
        self.nodes = nodes
    }

    public func verify(_ proof: X402V2.SignIn.Proof) async -> SignInVerification {
        guard let chain = proof.chain.eip155, proof.type == .eip191 else {
            let detail = "type \(proof.type.rawValue) on \(proof.chain): eip191 on eip155 is taken"
            return .invalid(SignInRefusal(.unsupportedChain, detail))
        }
        // The text has the address as it stands in the proof, so a wrong checksum would be signed for as well.
        guard let (address, checksum) = Address.parse(proof.address), checksum != .wrong else {
            return .invalid(SignInRefusal(.malformedSignature, "address is no address, or mistyped"))
        }
        guard proof.signature.hasPrefix("0x"), let signature = Hex.decode(proof.signature), !signature.isEmpty else {
            return .invalid(SignInRefusal(.malformedSignature, "signature is no hexadecimal text"))
        }
        let digest = EIP191.digest(Array(proof.info.text(address: proof.address, chain: chain).utf8))
        let recovered = RecoverableSignature(bytes: signature).flatMap { try? $0.signer(of: digest) }
        if recovered == address {
            return .valid(SignedInAccount(proof, account: address.description, onlyOn: nil))
        }
        let refusal = SignInRefusal(
            .signature, "expected signer \(address), recovered \(recovered?.description ?? "none")")
        guard let node = self.nodes[proof.chain] else { return .invalid(refusal) }
        return await self.ask(address, digest, signature, proof, node, refusal)
    }

    /// Asks the contract at `address`; an account without code says nothing, which is no.
    private func ask(
        _ address: Address, _ digest: Bytes32, _ signature: [UInt8], _ proof: X402V2.SignIn.Proof, _ node: EVMClient,
        _ refusal: SignInRefusal
    ) async -> SignInVerification {
        let call = CallMessage(to: address, data: ERC1271.calldata(digest: digest, signature: signature))
        do throws(RPCError) {
            guard ERC1271.isValid(returned: try await node.ask(.call(call))) else { return .invalid(refusal) }
            return .valid(SignedInAccount(proof, account: address.description, onlyOn: proof.chain))
        } catch {
            return error.isUnavailable ? .unavailable(reason: "the chain: \(error)") : .invalid(refusal)
        }
    }
}
