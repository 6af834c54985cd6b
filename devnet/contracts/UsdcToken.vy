# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title Test stablecoin with the externally visible behaviour of USDC v2.2
@notice Written from the public ERC texts (ERC-20, EIP-2612, EIP-3009, ERC-1271)
        for use on a local development chain only.  Revert strings follow the
        deployed USDC token, because payment facilitators classify failures by them.

        Vyper cannot overload a function name, so the overloads that take
        `bytes signature` have their own names here (suffix `Sig`).  A small
        hand-assembled front contract (build_genesis.py: selector_proxy) maps the
        four standard selectors of those overloads to the four names and
        DELEGATECALLs, exactly as the real token sits behind a proxy.
        All state therefore lives in the front contract; this contract's
        constructor is not used, `initialize` is.
"""

interface IERC1271:
    def isValidSignature(hash: bytes32, signature: Bytes[MAX_SIG]) -> bytes4: view

MAX_SIG: constant(uint256) = 2048

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

event AuthorizationUsed:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

event AuthorizationCanceled:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

name: public(String[64])
symbol: public(String[16])
version: public(String[8])
decimals: public(uint8)
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])
_authorizationStates: HashMap[address, HashMap[bytes32, bool]]
isBlacklisted: public(HashMap[address, bool])
paused: public(bool)
owner: public(address)
# when true, a transfer takes 1 % from the amount that arrives (fault injection:
# the receipt is a success, yet the payee got less than was authorised)
feeOnTransfer: public(bool)
initialized: bool

TRANSFER_WITH_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
RECEIVE_WITH_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
CANCEL_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "CancelAuthorization(address authorizer,bytes32 nonce)"
)
PERMIT_TYPEHASH: public(constant(bytes32)) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
DOMAIN_TYPEHASH: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
ERC1271_MAGIC: constant(bytes32) = 0x1626ba7e00000000000000000000000000000000000000000000000000000000
MALLEABILITY_BOUND: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168


@external
def initialize(name_: String[64], symbol_: String[16], version_: String[8], decimals_: uint8, owner_: address):
    assert not self.initialized, "already initialized"
    self.initialized = True
    self.name = name_
    self.symbol = symbol_
    self.version = version_
    self.decimals = decimals_
    self.owner = owner_


# --- EIP-712 ------------------------------------------------------------------

@internal
@view
def _domain_separator() -> bytes32:
    return keccak256(abi_encode(
        DOMAIN_TYPEHASH,
        keccak256(self.name),
        keccak256(self.version),
        chain.id,
        self,
    ))


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return self._domain_separator()


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    return keccak256(concat(x"1901", self._domain_separator(), struct_hash))


@internal
@pure
def _recover(digest: bytes32, v: uint256, r: uint256, s: uint256) -> address:
    assert s <= MALLEABILITY_BOUND, "ECRecover: invalid signature 's' value"
    assert v == 27 or v == 28, "ECRecover: invalid signature 'v' value"
    signer: address = ecrecover(digest, v, r, s)
    assert signer != empty(address), "ECRecover: invalid signature"
    return signer


@internal
@view
def _signature_ok(signer: address, digest: bytes32, signature: Bytes[MAX_SIG]) -> bool:
    """ecrecover for accounts without code, ERC-1271 for accounts with code."""
    if not signer.is_contract:
        assert len(signature) == 65, "ECRecover: invalid signature length"
        return self._recover(
            digest,
            convert(slice(signature, 64, 1), uint256),
            extract32(signature, 0, output_type=uint256),
            extract32(signature, 32, output_type=uint256),
        ) == signer
    success: bool = False
    result: Bytes[32] = b""
    success, result = raw_call(
        signer,
        abi_encode(digest, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(result) < 32:
        return False
    return extract32(result, 0) == ERC1271_MAGIC


@internal
@pure
def _pack(v: uint8, r: bytes32, s: bytes32) -> Bytes[65]:
    # shifting left puts the single byte v at the front of a 32-byte word
    return concat(r, s, slice(convert(convert(v, uint256) << 248, bytes32), 0, 1))


# --- ERC-20 -------------------------------------------------------------------

@internal
def _not_blocked(account: address):
    assert not self.isBlacklisted[account], "Blacklistable: account is blacklisted"


@internal
def _transfer(sender: address, receiver: address, amount: uint256):
    assert not self.paused, "Pausable: paused"
    self._not_blocked(sender)
    self._not_blocked(receiver)
    assert sender != empty(address), "ERC20: transfer from the zero address"
    assert receiver != empty(address), "ERC20: transfer to the zero address"
    assert amount <= self.balanceOf[sender], "ERC20: transfer amount exceeds balance"
    arrives: uint256 = amount
    if self.feeOnTransfer:
        arrives = amount - amount // 100
        self.totalSupply -= amount - arrives
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += arrives
    log Transfer(sender=sender, receiver=receiver, value=arrives)


@internal
def _approve(owner_: address, spender: address, amount: uint256):
    self._not_blocked(owner_)
    self._not_blocked(spender)
    assert spender != empty(address), "ERC20: approve to the zero address"
    self.allowance[owner_][spender] = amount
    log Approval(owner=owner_, spender=spender, value=amount)


@external
def transfer(to: address, amount: uint256) -> bool:
    self._transfer(msg.sender, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    assert not self.paused, "Pausable: paused"
    self._approve(msg.sender, spender, amount)
    return True


@external
def transferFrom(from_: address, to: address, amount: uint256) -> bool:
    allowed: uint256 = self.allowance[from_][msg.sender]
    assert amount <= allowed, "ERC20: transfer amount exceeds allowance"
    if allowed != max_value(uint256):
        self.allowance[from_][msg.sender] = allowed - amount
    self._transfer(from_, to, amount)
    return True


# --- EIP-2612 -----------------------------------------------------------------

@internal
def _permit(owner_: address, spender: address, amount: uint256, deadline: uint256, signature: Bytes[MAX_SIG]):
    assert not self.paused, "Pausable: paused"
    assert deadline >= block.timestamp, "FiatTokenV2: permit is expired"
    nonce: uint256 = self.nonces[owner_]
    self.nonces[owner_] = nonce + 1
    digest: bytes32 = self._digest(keccak256(abi_encode(PERMIT_TYPEHASH, owner_, spender, amount, nonce, deadline)))
    assert self._signature_ok(owner_, digest, signature), "EIP2612: invalid signature"
    self._approve(owner_, spender, amount)


@external
def permit(owner_: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    self._permit(owner_, spender, amount, deadline, self._pack(v, r, s))


@external
def permitSig(owner_: address, spender: address, amount: uint256, deadline: uint256, signature: Bytes[MAX_SIG]):
    self._permit(owner_, spender, amount, deadline, signature)


# --- EIP-3009 -----------------------------------------------------------------

@external
@view
def authorizationState(authorizer: address, nonce: bytes32) -> bool:
    return self._authorizationStates[authorizer][nonce]


@internal
def _with_authorization(
    type_hash: bytes32, from_: address, to: address, amount: uint256,
    valid_after: uint256, valid_before: uint256, nonce: bytes32, signature: Bytes[MAX_SIG],
):
    assert not self.paused, "Pausable: paused"
    self._not_blocked(from_)
    self._not_blocked(to)
    assert block.timestamp > valid_after, "FiatTokenV2: authorization is not yet valid"
    assert block.timestamp < valid_before, "FiatTokenV2: authorization is expired"
    assert not self._authorizationStates[from_][nonce], "FiatTokenV2: authorization is used or canceled"
    digest: bytes32 = self._digest(
        keccak256(abi_encode(type_hash, from_, to, amount, valid_after, valid_before, nonce))
    )
    assert self._signature_ok(from_, digest, signature), "FiatTokenV2: invalid signature"
    self._authorizationStates[from_][nonce] = True
    log AuthorizationUsed(authorizer=from_, nonce=nonce)
    self._transfer(from_, to, amount)


@external
def transferWithAuthorization(
    from_: address, to: address, amount: uint256, validAfter: uint256, validBefore: uint256,
    nonce: bytes32, v: uint8, r: bytes32, s: bytes32,
):
    self._with_authorization(
        TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from_, to, amount, validAfter, validBefore, nonce, self._pack(v, r, s)
    )


@external
def transferWithAuthorizationSig(
    from_: address, to: address, amount: uint256, validAfter: uint256, validBefore: uint256,
    nonce: bytes32, signature: Bytes[MAX_SIG],
):
    self._with_authorization(
        TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from_, to, amount, validAfter, validBefore, nonce, signature
    )


@external
def receiveWithAuthorization(
    from_: address, to: address, amount: uint256, validAfter: uint256, validBefore: uint256,
    nonce: bytes32, v: uint8, r: bytes32, s: bytes32,
):
    assert to == msg.sender, "FiatTokenV2: caller must be the payee"
    self._with_authorization(
        RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from_, to, amount, validAfter, validBefore, nonce, self._pack(v, r, s)
    )


@external
def receiveWithAuthorizationSig(
    from_: address, to: address, amount: uint256, validAfter: uint256, validBefore: uint256,
    nonce: bytes32, signature: Bytes[MAX_SIG],
):
    assert to == msg.sender, "FiatTokenV2: caller must be the payee"
    self._with_authorization(
        RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from_, to, amount, validAfter, validBefore, nonce, signature
    )


@internal
def _cancel(authorizer: address, nonce: bytes32, signature: Bytes[MAX_SIG]):
    assert not self.paused, "Pausable: paused"
    assert not self._authorizationStates[authorizer][nonce], "FiatTokenV2: authorization is used or canceled"
    digest: bytes32 = self._digest(keccak256(abi_encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce)))
    assert self._signature_ok(authorizer, digest, signature), "FiatTokenV2: invalid signature"
    self._authorizationStates[authorizer][nonce] = True
    log AuthorizationCanceled(authorizer=authorizer, nonce=nonce)


@external
def cancelAuthorization(authorizer: address, nonce: bytes32, v: uint8, r: bytes32, s: bytes32):
    self._cancel(authorizer, nonce, self._pack(v, r, s))


@external
def cancelAuthorizationSig(authorizer: address, nonce: bytes32, signature: Bytes[MAX_SIG]):
    self._cancel(authorizer, nonce, signature)


# --- administration (test control) ---------------------------------------------

@external
def mint(to: address, amount: uint256) -> bool:
    assert msg.sender == self.owner, "FiatToken: caller is not a minter"
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log Transfer(sender=empty(address), receiver=to, value=amount)
    return True


@external
def blacklist(account: address, blocked: bool):
    assert msg.sender == self.owner, "Blacklistable: caller is not the blacklister"
    self.isBlacklisted[account] = blocked


@external
def setPaused(on: bool):
    assert msg.sender == self.owner, "Pausable: caller is not the pauser"
    self.paused = on


@external
def setFeeOnTransfer(on: bool):
    assert msg.sender == self.owner, "caller is not the owner"
    self.feeOnTransfer = on
