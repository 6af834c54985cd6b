# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title The two Multicall3 entry points that x402 facilitators use
"""

MAX_CALLS: constant(uint256) = 128
MAX_DATA: constant(uint256) = 1024
MAX_RESULT: constant(uint256) = 128

struct Call:
    target: address
    callData: Bytes[MAX_DATA]

struct Call3:
    target: address
    allowFailure: bool
    callData: Bytes[MAX_DATA]

struct Result:
    success: bool
    returnData: Bytes[MAX_RESULT]


@external
@payable
def tryAggregate(requireSuccess: bool, calls: DynArray[Call, MAX_CALLS]) -> DynArray[Result, MAX_CALLS]:
    results: DynArray[Result, MAX_CALLS] = []
    for c: Call in calls:
        success: bool = False
        data: Bytes[MAX_RESULT] = b""
        success, data = raw_call(c.target, c.callData, max_outsize=MAX_RESULT, revert_on_failure=False)
        assert success or not requireSuccess, "Multicall3: call failed"
        results.append(Result(success=success, returnData=data))
    return results


@external
@payable
def aggregate3(calls: DynArray[Call3, MAX_CALLS]) -> DynArray[Result, MAX_CALLS]:
    results: DynArray[Result, MAX_CALLS] = []
    for c: Call3 in calls:
        success: bool = False
        data: Bytes[MAX_RESULT] = b""
        success, data = raw_call(c.target, c.callData, max_outsize=MAX_RESULT, revert_on_failure=False)
        assert success or c.allowFailure, "Multicall3: call failed"
        results.append(Result(success=success, returnData=data))
    return results
