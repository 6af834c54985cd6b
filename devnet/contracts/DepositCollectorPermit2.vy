# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title Brings a Permit2 deposit into BatchSettlement (model; see BatchSettlement.vy)
@notice collectorData = abi.encode(uint256 nonce, uint256 deadline, bytes permit2Signature, bytes eip2612Permit);
        the Permit2 witness is DepositWitness(bytes32 channelId).
"""

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

interface IPermit2:
    def permitWitnessTransferFrom(
        permit: PermitTransferFrom, details: SignatureTransferDetails, owner: address,
        witness: bytes32, witness_type: String[160], signature: Bytes[2048],
    ): nonpayable

BATCH: public(constant(address)) = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003
PERMIT2: constant(address) = 0x000000000022D473030F116dDEE9F6B43aC78BA3
WITNESS_TYPE: constant(String[160]) = "DepositWitness witness)DepositWitness(bytes32 channelId)TokenPermissions(address token,uint256 amount)"
WITNESS_TYPEHASH: constant(bytes32) = keccak256("DepositWitness(bytes32 channelId)")


@external
def collect(payer: address, token: address, amount: uint256, channel_id: bytes32, data: Bytes[4096]):
    assert msg.sender == BATCH, "only the settlement contract"
    nonce: uint256 = 0
    deadline: uint256 = 0
    signature: Bytes[2048] = b""
    permit: Bytes[256] = b""
    nonce, deadline, signature, permit = abi_decode(data, (uint256, uint256, Bytes[2048], Bytes[256]))
    if len(permit) == 160:
        p_value: uint256 = 0
        p_deadline: uint256 = 0
        v: uint8 = 0
        r: bytes32 = empty(bytes32)
        s: bytes32 = empty(bytes32)
        p_value, p_deadline, v, r, s = abi_decode(permit, (uint256, uint256, uint8, bytes32, bytes32))
        # a failing permit is not fatal: the allowance may exist already
        success: bool = raw_call(
            token,
            abi_encode(payer, PERMIT2, p_value, p_deadline, v, r, s,
                       method_id=method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")),
            revert_on_failure=False,
        )
    extcall IPermit2(PERMIT2).permitWitnessTransferFrom(
        PermitTransferFrom(permitted=TokenPermissions(token=token, amount=amount), nonce=nonce, deadline=deadline),
        SignatureTransferDetails(to=BATCH, requestedAmount=amount),
        payer,
        keccak256(abi_encode(WITNESS_TYPEHASH, channel_id)),
        WITNESS_TYPE,
        signature,
    )
