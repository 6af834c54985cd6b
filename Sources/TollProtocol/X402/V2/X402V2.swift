// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Version 2 of x402: networks by CAIP-2, the challenge in a header, extensions.
/// Source: x402 specification v2 and transports-v2/http.md.
public enum X402V2 {
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
