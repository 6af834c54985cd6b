# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title A one-owner ERC-1271 smart wallet (test payer)
@notice A signature is valid when it is 1 marker byte 0x01 followed by the owner's
        65-byte ECDSA signature over the digest.  66 bytes on purpose: a verifier that only
        looks at the length must not take it for a plain account's signature.
"""

MAX_SIG: constant(uint256) = 2048

owner: public(address)


@external
def initialize(owner_: address):
    assert self.owner == empty(address), "already initialized"
    self.owner = owner_


@external
@view
def isValidSignature(hash: bytes32, signature: Bytes[MAX_SIG]) -> bytes4:
    if len(signature) == 66 and convert(slice(signature, 0, 1), uint256) == 1:
        signer: address = ecrecover(
            hash,
            convert(slice(signature, 65, 1), uint256),
            extract32(signature, 1, output_type=uint256),
            extract32(signature, 33, output_type=uint256),
        )
        if signer != empty(address) and signer == self.owner:
            return 0x1626ba7e
    return 0xffffffff


@external
@payable
def execute(target: address, amount: uint256, data: Bytes[4096]):
    assert msg.sender == self.owner, "not the owner"
    raw_call(target, data, value=amount)
