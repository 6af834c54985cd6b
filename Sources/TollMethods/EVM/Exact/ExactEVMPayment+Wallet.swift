// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollEVM

extension ExactEVMPayment {
    /// One transaction that deploys the payer's wallet and moves the money. The deployment may fail, since somebody else may
    /// have deployed it; the transfer may not. That Multicall3 is the sender makes no difference: anyone may send the transfer.
    var deployAndTransferCalldata: [UInt8] {
        guard let deployment = self.deployment else { return self.transferCalldata }
        return Multicall3.aggregate3([
            Multicall3.Call(target: deployment.factory, data: deployment.factoryCalldata, mayFail: true),
            Multicall3.Call(target: self.asset, data: self.transferCalldata, mayFail: false),
        ])
    }
}
