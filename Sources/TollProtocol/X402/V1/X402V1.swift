// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Version 1 of x402: networks by their legacy names, the challenge in the body.
/// Source: x402 specification v1 and transports-v1/http.md.
public enum X402V1 {
    /// What `/verify` answers.
    public typealias VerifyResponse = TollProtocol.VerifyResponse
    /// What `/settle` answers, and the receipt.
    public typealias SettlementResponse = TollProtocol.SettlementResponse
    /// What `/supported` answers.
    public typealias SupportedResponse = TollProtocol.SupportedResponse
    /// The body of `/verify`.
    public typealias VerifyRequest = FacilitatorRequest
    /// The body of `/settle`.
    public typealias SettleRequest = FacilitatorRequest
}
