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
}
