// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPrimitives

struct TransactionTests {
    @Test func `an approval is signed byte for byte as x402-wire C11 has it`() throws {
        let signed = approval.signed(by: signer)
        #expect(Hex.encodePrefixed(signed.raw) == raw)
        #expect(signed.hash == word("0x72e95d16b55697939b18b706e830d8b507c76f3722a37baabb378c0facc78526"))
        let read = try SignedTransaction(raw: bytes(raw))
        #expect(read == signed)
        #expect(read.transaction == approval)
        #expect(try read.sender() == signer.address)
    }

    @Test func `creations and access lists survive`() throws {
        var transaction = approval
        transaction.to = nil
        transaction.value = 1_000_000_000_000_000_000
        transaction.accessList = [
            .init(address: usdc, storageKeys: [repeated(1), .zero]), .init(address: payTo, storageKeys: []),
        ]
        let read = try SignedTransaction(raw: transaction.signed(by: signer).raw)
        #expect(read.transaction == transaction)
        #expect(try read.sender() == signer.address)
    }

    @Test(arguments: malformed)
    func `anything but a signed type 2 transaction is refused`(hex: String, error: SignedTransaction.DecodingError) {
        #expect(throws: error) { try SignedTransaction(raw: bytes(hex)) }
    }
}

private let approval = EIP1559Transaction(
    chainID: 84532,
    nonce: 0,
    maxPriorityFeePerGas: 100_000_000,
    maxFeePerGas: 1_000_000_000,
    gasLimit: 70000,
    to: usdc,
    data: ABI.encodeCall(ABI.selector("approve(address,uint256)"), [.address(permit2), .integer(.max)])
)

private let raw =
    "0x02f8b383014a34808405f5e100843b9aca008301117094036cbd53842c5426634e7929541ec2318f3dcf7e80b844"
    + "095ea7b3000000000000000000000000000000000022d473030f116ddee9f6b43ac78ba3"
    + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    + "c001a07a058f250727c7fbcf21fe575f0f2c92010cfd44edfa8063151df1b215a254b1"
    + "a05481e976c9d87625c3e054a34d94db2000976882dd6365eff3fb5d7e800566a6"

private let malformed: [(String, SignedTransaction.DecodingError)] = [
    ("", .type),
    ("0x01" + String(raw.dropFirst(4)), .type),
    (String(raw.dropLast(2)), .encoding(.truncated)),
    (raw + "00", .encoding(.trailingBytes)),
    ("0x0280", .member),
    (members { $0.removeAll() }, .member),
    (members { $0.removeLast() }, .member),
    (members { $0.append(.integer(1)) }, .member),
    (members { $0[1] = .bytes([0, 1]) }, .member),
    (members { $0[4] = .integer(.max) }, .member),
    (members { $0[5] = .bytes([UInt8](repeating: 1, count: 19)) }, .member),
    (members { $0[7] = .list([]) }, .member),
    (members { $0[8] = .bytes([]) }, .member),
    (members { $0[8] = .list([.list([.bytes(usdc.bytes)])]) }, .member),
    (members { $0[8] = .list([.list([.bytes(usdc.bytes), .list([.bytes([1])])])]) }, .member),
    (members { $0[9] = .integer(2) }, .member),
    (members { $0[10] = .bytes([UInt8](repeating: 1, count: 33)) }, .member),
]

/// ``raw`` with its twelve members altered.
private func members(_ alter: (inout [RLP.Item]) -> Void) -> String {
    guard let item = try? RLP.decode(Array(bytes(raw).dropFirst())), var items = item.list else { return "" }
    alter(&items)
    return "0x02" + Hex.encode(RLP.encode(.list(items)))
}
