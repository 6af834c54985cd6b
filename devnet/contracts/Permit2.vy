# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title The signature-transfer half of Permit2, for a local development chain
@notice Written from Permit2's public interface and EIP-712 type strings:
        permitTransferFrom, permitWitnessTransferFrom, the unordered nonce
        bitmap and the custom errors that callers decode.  The allowance half
        (approve/permit/transferFrom with expiring allowances) is left out.
"""

MAX_SIG: constant(uint256) = 2048
MAX_WITNESS_TYPE: constant(uint256) = 512

struct TokenPermissions:
    token: address
    amount: uint256

struct PermitTransferFrom:
    permitted: TokenPermissions
    nonce: uint256
    deadline: uint256

struct SignatureTransferDetails:
    to: address
    requestedAmount: uint256

event UnorderedNonceInvalidation:
    owner: indexed(address)
    word: uint256
    mask: uint256

nonceBitmap: public(HashMap[address, HashMap[uint256, uint256]])

DOMAIN_TYPEHASH: constant(bytes32) = keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)")
TOKEN_PERMISSIONS_TYPEHASH: constant(bytes32) = keccak256("TokenPermissions(address token,uint256 amount)")
PERMIT_TRANSFER_FROM_TYPEHASH: constant(bytes32) = keccak256(
    "PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)TokenPermissions(address token,uint256 amount)"
)
WITNESS_STUB: constant(String[121]) = "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,"
ERC1271_MAGIC: constant(bytes32) = 0x1626ba7e00000000000000000000000000000000000000000000000000000000


@internal
@view
def _domain_separator() -> bytes32:
    return keccak256(abi_encode(DOMAIN_TYPEHASH, keccak256("Permit2"), chain.id, self))


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return self._domain_separator()


@internal
@view
def _check_signature(signature: Bytes[MAX_SIG], struct_hash: bytes32, claimed: address):
    digest: bytes32 = keccak256(concat(x"1901", self._domain_separator(), struct_hash))
    if claimed.is_contract:
        success: bool = False
        result: Bytes[32] = b""
        success, result = raw_call(
            claimed,
            abi_encode(digest, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
            max_outsize=32,
            is_static_call=True,
            revert_on_failure=False,
        )
        if not success or len(result) < 32 or extract32(result, 0) != ERC1271_MAGIC:
            raw_revert(method_id("InvalidContractSignature()"))
        return
    r: uint256 = 0
    s: uint256 = 0
    v: uint256 = 0
    if len(signature) == 65:
        r = extract32(signature, 0, output_type=uint256)
        s = extract32(signature, 32, output_type=uint256)
        v = convert(slice(signature, 64, 1), uint256)
    elif len(signature) == 64:
        # EIP-2098: the parity is the top bit of the second word
        r = extract32(signature, 0, output_type=uint256)
        s = extract32(signature, 32, output_type=uint256)
        v = (s >> 255) + 27
        s = s & (max_value(uint256) >> 1)
    else:
        raw_revert(method_id("InvalidSignatureLength()"))
    signer: address = empty(address)
    if v == 27 or v == 28:
        signer = ecrecover(digest, v, r, s)
    if signer == empty(address):
        raw_revert(method_id("InvalidSignature()"))
    if signer != claimed:
        raw_revert(method_id("InvalidSigner()"))


@internal
def _permit_transfer_from(
    permit: PermitTransferFrom, details: SignatureTransferDetails, owner: address,
    struct_hash: bytes32, signature: Bytes[MAX_SIG],
):
    if block.timestamp > permit.deadline:
        raw_revert(concat(method_id("SignatureExpired(uint256)"), convert(permit.deadline, bytes32)))
    if details.requestedAmount > permit.permitted.amount:
        raw_revert(concat(method_id("InvalidAmount(uint256)"), convert(permit.permitted.amount, bytes32)))
    word: uint256 = permit.nonce >> 8
    bit: uint256 = 1 << (permit.nonce & 255)
    if self.nonceBitmap[owner][word] & bit != 0:
        raw_revert(method_id("InvalidNonce()"))
    self.nonceBitmap[owner][word] = self.nonceBitmap[owner][word] | bit
    self._check_signature(signature, struct_hash, owner)
    success: bool = False
    result: Bytes[32] = b""
    success, result = raw_call(
        permit.permitted.token,
        abi_encode(owner, details.to, details.requestedAmount, method_id=method_id("transferFrom(address,address,uint256)")),
        max_outsize=32,
        revert_on_failure=False,
    )
    if len(result) > 0:
        success = success and convert(result, uint256) == 1
    else:
        success = success and permit.permitted.token.is_contract
    assert success, "TRANSFER_FROM_FAILED"


@external
def permitTransferFrom(
    permit: PermitTransferFrom, transferDetails: SignatureTransferDetails, owner: address, signature: Bytes[MAX_SIG]
):
    permissions: bytes32 = keccak256(abi_encode(TOKEN_PERMISSIONS_TYPEHASH, permit.permitted.token, permit.permitted.amount))
    self._permit_transfer_from(
        permit, transferDetails, owner,
        keccak256(abi_encode(PERMIT_TRANSFER_FROM_TYPEHASH, permissions, msg.sender, permit.nonce, permit.deadline)),
        signature,
    )


@external
def permitWitnessTransferFrom(
    permit: PermitTransferFrom, transferDetails: SignatureTransferDetails, owner: address,
    witness: bytes32, witnessTypeString: String[MAX_WITNESS_TYPE], signature: Bytes[MAX_SIG],
):
    type_hash: bytes32 = keccak256(concat(WITNESS_STUB, witnessTypeString))
    permissions: bytes32 = keccak256(abi_encode(TOKEN_PERMISSIONS_TYPEHASH, permit.permitted.token, permit.permitted.amount))
    self._permit_transfer_from(
        permit, transferDetails, owner,
        keccak256(abi_encode(type_hash, permissions, msg.sender, permit.nonce, permit.deadline, witness)),
        signature,
    )


@external
def invalidateUnorderedNonces(wordPos: uint256, mask: uint256):
    self.nonceBitmap[msg.sender][wordPos] = self.nonceBitmap[msg.sender][wordPos] | mask
    log UnorderedNonceInvalidation(owner=msg.sender, word=wordPos, mask=mask)
