// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct ProblemTests {
    @Test func `members stand in one order and absent ones are left out`() {
        let bare = Problem(title: "Payment Required", status: 402, code: "payment_required")
        #expect(
            JSON.object(bare.json).text
                == #"{"type":"about:blank","title":"Payment Required","status":402,"code":"payment_required"}"#
        )
        let full = Problem(
            type: "urn:tollgate:problem:already-used",
            title: "Already used",
            status: 409,
            detail: "Paid for \"x\" before.",
            code: "already_used",
            members: ["transaction": "0x12", "retry": false]
        )
        #expect(
            JSON.object(full.json).text
                == #"{"type":"urn:tollgate:problem:already-used","title":"Already used","status":409,"#
                + #""detail":"Paid for \"x\" before.","code":"already_used","transaction":"0x12","retry":false}"#
        )
    }

    @Test func `further members cannot replace the standard ones`() {
        let problem = Problem(title: "T", status: 400, code: "c", members: ["status": 200, "code": "x", "type": "y", "z": 1])
        #expect(problem.json == ["type": "about:blank", "title": "T", "status": 400, "code": "c", "z": 1])
    }

    @Test func `one body is a v1 challenge and a problem`() throws {
        let problem = Problem(
            title: "Payment Required",
            status: 402,
            detail: "Pay $0.01.",
            code: "payment_required",
            members: ["accepts": [], "x402Version": 9, "documentation": "https://h/docs"]
        )
        let body = X402V1.PaymentRequired(accepts: [BuildingTests.firstRequirements]).body(with: problem)
        #expect(
            body.members.map(\.name) == [
                "x402Version", "error", "accepts", "type", "title", "status", "detail", "code", "documentation",
            ]
        )
        #expect(try X402V1.PaymentRequired(body).accepts == [BuildingTests.firstRequirements])
        #expect(body["error"] == "X-PAYMENT header is required" && body["status"] == 402 && body["code"] == "payment_required")
    }

    @Test func `without a v1 network the body is a v1 challenge with nothing to accept`() throws {
        let problem = Problem(title: "Payment Required", status: 402, code: "insufficient_funds")
        let refused = X402V1.PaymentRequired(error: ErrorReason.insufficientFunds.rawValue, accepts: [])
        let body = try X402V1.PaymentRequired(refused.body(with: problem))
        #expect(body.accepts.isEmpty && body.error == "insufficient_funds")
    }
}
