# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title Payment channels of the x402 "batch-settlement" scheme, for a local development chain
@notice A model, written from the interface that the official Python SDK 2.25.0 uses (ABI, EIP-712
        types, CREATE2 addresses).  The deployed contract's source was not available, so revert
        texts and event order are this file's own; amounts, digests and signatures are the SDK's.
"""

MAX_SIG: constant(uint256) = 2048
MAX_CLAIMS: constant(uint256) = 32
MIN_DELAY: constant(uint256) = 900
MAX_DELAY: constant(uint256) = 2592000

struct ChannelConfig:
    payer: address
    payerAuthorizer: address
    receiver: address
    receiverAuthorizer: address
    token: address
    withdrawDelay: uint40
    salt: bytes32

struct Voucher:
    channel: ChannelConfig
    maxClaimableAmount: uint128

struct VoucherClaim:
    voucher: Voucher
    signature: Bytes[MAX_SIG]
    totalClaimed: uint128

struct Channel:
    balance: uint128
    totalClaimed: uint128

struct Withdrawal:
    amount: uint128
    initiatedAt: uint40

struct Receiver:
    totalClaimed: uint128
    totalSettled: uint128

interface ICollector:
    def collect(payer: address, token: address, amount: uint256, channel_id: bytes32, data: Bytes[4096]): nonpayable

interface IERC20:
    def transfer(to: address, amount: uint256) -> bool: nonpayable
    def balanceOf(account: address) -> uint256: view

event Deposited:
    channelId: indexed(bytes32)
    sender: indexed(address)
    amount: uint128

event Claimed:
    channelId: indexed(bytes32)
    sender: indexed(address)
    claimAmount: uint128
    newTotalClaimed: uint128

event Settled:
    receiver: indexed(address)
    token: indexed(address)
    sender: indexed(address)
    amount: uint128

event Refunded:
    channelId: indexed(bytes32)
    sender: indexed(address)
    amount: uint128

event WithdrawInitiated:
    channelId: indexed(bytes32)
    amount: uint128

channels: public(HashMap[bytes32, Channel])
pendingWithdrawals: public(HashMap[bytes32, Withdrawal])
receivers: public(HashMap[address, HashMap[address, Receiver]])
refundNonce: public(HashMap[bytes32, uint256])

DOMAIN_TYPEHASH: constant(bytes32) = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
CHANNEL_TYPEHASH: constant(bytes32) = keccak256("ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)")
VOUCHER_TYPEHASH: constant(bytes32) = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)")
REFUND_TYPEHASH: constant(bytes32) = keccak256("Refund(bytes32 channelId,uint256 nonce,uint128 amount)")
ENTRY_TYPEHASH: constant(bytes32) = keccak256("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)")
BATCH_TYPEHASH: constant(bytes32) = keccak256("ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)")
ERC1271_MAGIC: constant(bytes32) = 0x1626ba7e00000000000000000000000000000000000000000000000000000000


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    domain: bytes32 = keccak256(abi_encode(DOMAIN_TYPEHASH, keccak256("x402 Batch Settlement"), keccak256("1"), chain.id, self))
    return keccak256(concat(x"1901", domain, struct_hash))


@internal
@view
def _channel_id(c: ChannelConfig) -> bytes32:
    return self._digest(keccak256(abi_encode(
        CHANNEL_TYPEHASH, c.payer, c.payerAuthorizer, c.receiver, c.receiverAuthorizer, c.token, c.withdrawDelay, c.salt
    )))


@internal
@view
def _signed_by(signer: address, digest: bytes32, signature: Bytes[MAX_SIG]) -> bool:
    if signer.is_contract:
        success: bool = False
        result: Bytes[32] = b""
        success, result = raw_call(
            signer,
            abi_encode(digest, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
            max_outsize=32, is_static_call=True, revert_on_failure=False,
        )
        return success and len(result) == 32 and extract32(result, 0) == ERC1271_MAGIC
    if len(signature) != 65 or signer == empty(address):
        return False
    return ecrecover(
        digest,
        convert(slice(signature, 64, 1), uint256),
        extract32(signature, 0, output_type=uint256),
        extract32(signature, 32, output_type=uint256),
    ) == signer


@external
@view
def getChannelId(config: ChannelConfig) -> bytes32:
    return self._channel_id(config)


@external
@view
def getVoucherDigest(channelId: bytes32, maxClaimableAmount: uint128) -> bytes32:
    return self._digest(keccak256(abi_encode(VOUCHER_TYPEHASH, channelId, maxClaimableAmount)))


@external
@view
def getRefundDigest(channelId: bytes32, nonce: uint256, amount: uint128) -> bytes32:
    return self._digest(keccak256(abi_encode(REFUND_TYPEHASH, channelId, nonce, amount)))


@internal
@view
def _batch_digest(voucherClaims: DynArray[VoucherClaim, MAX_CLAIMS]) -> bytes32:
    hashes: DynArray[bytes32, MAX_CLAIMS] = []
    for v: VoucherClaim in voucherClaims:
        hashes.append(keccak256(abi_encode(
            ENTRY_TYPEHASH, self._channel_id(v.voucher.channel), v.voucher.maxClaimableAmount, v.totalClaimed
        )))
    # abi_encode(array) is offset, length, items: the items alone are what EIP-712 hashes
    packed: Bytes[1088] = abi_encode(hashes)
    return self._digest(keccak256(abi_encode(BATCH_TYPEHASH, keccak256(slice(packed, 64, 32 * len(hashes))))))


@external
@view
def getClaimBatchDigest(voucherClaims: DynArray[VoucherClaim, MAX_CLAIMS]) -> bytes32:
    return self._batch_digest(voucherClaims)


@external
def deposit(config: ChannelConfig, amount: uint128, collector: address, collectorData: Bytes[4096]):
    assert amount > 0, "zero deposit"
    delay: uint256 = convert(config.withdrawDelay, uint256)
    assert delay >= MIN_DELAY and delay <= MAX_DELAY, "withdraw delay out of range"
    assert config.payer != empty(address) and config.receiver != empty(address), "zero address"
    assert config.receiverAuthorizer != empty(address), "zero receiver authorizer"
    channel_id: bytes32 = self._channel_id(config)
    before: uint256 = staticcall IERC20(config.token).balanceOf(self)
    extcall ICollector(collector).collect(config.payer, config.token, convert(amount, uint256), channel_id, collectorData)
    assert staticcall IERC20(config.token).balanceOf(self) == before + convert(amount, uint256), "deposit not received"
    self.channels[channel_id].balance += amount
    log Deposited(channelId=channel_id, sender=msg.sender, amount=amount)


@internal
def _claim(v: VoucherClaim, sender: address):
    c: ChannelConfig = v.voucher.channel
    channel_id: bytes32 = self._channel_id(c)
    digest: bytes32 = self._digest(keccak256(abi_encode(VOUCHER_TYPEHASH, channel_id, v.voucher.maxClaimableAmount)))
    authorizer: address = c.payerAuthorizer
    if authorizer == empty(address):
        authorizer = c.payer
    assert self._signed_by(authorizer, digest, v.signature), "invalid voucher signature"
    assert v.totalClaimed <= v.voucher.maxClaimableAmount, "claim exceeds voucher"
    assert v.totalClaimed <= self.channels[channel_id].balance, "claim exceeds balance"
    old: uint128 = self.channels[channel_id].totalClaimed
    if v.totalClaimed <= old:
        return
    self.channels[channel_id].totalClaimed = v.totalClaimed
    self.receivers[c.receiver][c.token].totalClaimed += v.totalClaimed - old
    log Claimed(channelId=channel_id, sender=sender, claimAmount=v.totalClaimed - old, newTotalClaimed=v.totalClaimed)


@external
def claim(voucherClaims: DynArray[VoucherClaim, MAX_CLAIMS]):
    for v: VoucherClaim in voucherClaims:
        assert msg.sender == v.voucher.channel.receiverAuthorizer, "not the receiver authorizer"
        self._claim(v, msg.sender)


@external
def claimWithSignature(voucherClaims: DynArray[VoucherClaim, MAX_CLAIMS], authorizerSignature: Bytes[MAX_SIG]):
    assert len(voucherClaims) > 0, "no claims"
    digest: bytes32 = self._batch_digest(voucherClaims)
    for v: VoucherClaim in voucherClaims:
        assert self._signed_by(v.voucher.channel.receiverAuthorizer, digest, authorizerSignature), "invalid authorizer signature"
        self._claim(v, msg.sender)


@external
def settle(receiver: address, token: address):
    r: Receiver = self.receivers[receiver][token]
    amount: uint128 = r.totalClaimed - r.totalSettled
    assert amount > 0, "nothing to settle"
    self.receivers[receiver][token].totalSettled = r.totalClaimed
    assert extcall IERC20(token).transfer(receiver, convert(amount, uint256), default_return_value=True), "transfer failed"
    log Settled(receiver=receiver, token=token, sender=msg.sender, amount=amount)


@internal
def _refund(c: ChannelConfig, channel_id: bytes32, amount: uint128, sender: address):
    available: uint128 = self.channels[channel_id].balance - self.channels[channel_id].totalClaimed
    paid: uint128 = min(amount, available)
    assert paid > 0, "nothing to refund"
    self.channels[channel_id].balance -= paid
    self.pendingWithdrawals[channel_id] = empty(Withdrawal)
    assert extcall IERC20(c.token).transfer(c.payer, convert(paid, uint256), default_return_value=True), "transfer failed"
    log Refunded(channelId=channel_id, sender=sender, amount=paid)


@external
def refund(config: ChannelConfig, amount: uint128):
    assert msg.sender == config.receiverAuthorizer, "not the receiver authorizer"
    self._refund(config, self._channel_id(config), amount, msg.sender)


@external
def refundWithSignature(config: ChannelConfig, amount: uint128, nonce: uint256, receiverAuthorizerSignature: Bytes[MAX_SIG]):
    channel_id: bytes32 = self._channel_id(config)
    assert nonce == self.refundNonce[channel_id], "invalid refund nonce"
    digest: bytes32 = self._digest(keccak256(abi_encode(REFUND_TYPEHASH, channel_id, nonce, amount)))
    assert self._signed_by(config.receiverAuthorizer, digest, receiverAuthorizerSignature), "invalid refund signature"
    self.refundNonce[channel_id] = nonce + 1
    self._refund(config, channel_id, amount, msg.sender)


@external
def initiateWithdraw(config: ChannelConfig, amount: uint128):
    assert msg.sender == config.payer or msg.sender == config.payerAuthorizer, "not the payer"
    channel_id: bytes32 = self._channel_id(config)
    assert self.pendingWithdrawals[channel_id].initiatedAt == 0, "withdrawal pending"
    self.pendingWithdrawals[channel_id] = Withdrawal(amount=amount, initiatedAt=convert(block.timestamp, uint40))
    log WithdrawInitiated(channelId=channel_id, amount=amount)


@external
def finalizeWithdraw(config: ChannelConfig):
    channel_id: bytes32 = self._channel_id(config)
    w: Withdrawal = self.pendingWithdrawals[channel_id]
    assert w.initiatedAt != 0, "no withdrawal pending"
    assert block.timestamp >= convert(w.initiatedAt, uint256) + convert(config.withdrawDelay, uint256), "withdraw delay not over"
    self._refund(config, channel_id, w.amount, msg.sender)


@external
def multicall(data: DynArray[Bytes[8192], 8]) -> DynArray[Bytes[1024], 8]:
    results: DynArray[Bytes[1024], 8] = []
    for d: Bytes[8192] in data:
        results.append(raw_call(self, d, max_outsize=1024, is_delegate_call=True))
    return results
