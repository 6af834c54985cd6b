# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title x402 "upto" settlement proxy over Permit2, for a local development chain
@notice Same ABI, EIP-712 witness and checks as the deployed x402UptoPermit2Proxy;
        written from its public interface (x402 specification and SDK ABI).
"""

MAX_SIG: constant(uint256) = 2048
PERMIT2: public(constant(address)) = 0x000000000022D473030F116dDEE9F6B43aC78BA3
WITNESS_TYPE_STRING: public(constant(String[160])) = "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)"
WITNESS_TYPEHASH: public(constant(bytes32)) = keccak256("Witness(address to,address facilitator,uint256 validAfter)")

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

struct EIP2612Permit:
    amount: uint256
    deadline: uint256
    r: bytes32
    s: bytes32
    v: uint8

struct Witness:
    to: address
    facilitator: address
    validAfter: uint256

interface IPermit2:
    def permitWitnessTransferFrom(
        permit: PermitTransferFrom, details: SignatureTransferDetails, owner: address,
        witness: bytes32, witness_type: String[160], signature: Bytes[MAX_SIG],
    ): nonpayable

event Settled: pass
event SettledWithPermit: pass
event EIP2612PermitFailedWithData:
    token: indexed(address)
    owner: indexed(address)
    data: Bytes[256]


@internal
def _settle(permit: PermitTransferFrom, amount: uint256, owner: address, witness: Witness, signature: Bytes[MAX_SIG]):
    if amount == 0:
        raw_revert(method_id("InvalidAmount()"))
    if owner == empty(address):
        raw_revert(method_id("InvalidOwner()"))
    if witness.to == empty(address):
        raw_revert(method_id("InvalidDestination()"))
    if block.timestamp < witness.validAfter:
        raw_revert(method_id("PaymentTooEarly()"))
    extcall IPermit2(PERMIT2).permitWitnessTransferFrom(
        permit,
        SignatureTransferDetails(to=witness.to, requestedAmount=amount),
        owner,
        keccak256(abi_encode(WITNESS_TYPEHASH, witness.to, witness.facilitator, witness.validAfter)),
        WITNESS_TYPE_STRING,
        signature,
    )


@internal
def _try_permit(token: address, owner: address, p: EIP2612Permit, permitted: uint256):
    """A failing EIP-2612 permit is not fatal: the allowance may exist already."""
    if p.amount != permitted:
        raw_revert(method_id("Permit2612AmountMismatch()"))
    success: bool = False
    result: Bytes[256] = b""
    success, result = raw_call(
        token,
        abi_encode(
            owner, PERMIT2, p.amount, p.deadline, p.v, p.r, p.s,
            method_id=method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"),
        ),
        max_outsize=256,
        revert_on_failure=False,
    )
    if not success:
        log EIP2612PermitFailedWithData(token=token, owner=owner, data=result)


@internal
def _only_within_grant(sender: address, permit: PermitTransferFrom, amount: uint256, witness: Witness):
    if amount > permit.permitted.amount:
        raw_revert(method_id("AmountExceedsPermitted()"))
    if sender != witness.facilitator:
        raw_revert(method_id("UnauthorizedFacilitator()"))


@external
@nonreentrant
def settle(permit: PermitTransferFrom, amount: uint256, owner: address, witness: Witness, signature: Bytes[MAX_SIG]):
    self._only_within_grant(msg.sender, permit, amount, witness)
    self._settle(permit, amount, owner, witness, signature)
    log Settled()


@external
@nonreentrant
def settleWithPermit(
    permit2612: EIP2612Permit, permit: PermitTransferFrom, amount: uint256, owner: address,
    witness: Witness, signature: Bytes[MAX_SIG],
):
    self._only_within_grant(msg.sender, permit, amount, witness)
    self._try_permit(permit.permitted.token, owner, permit2612, permit.permitted.amount)
    self._settle(permit, amount, owner, witness, signature)
    log SettledWithPermit()
