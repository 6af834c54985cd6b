// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollRuntime

@Suite struct FindingsTests {
    @Test func `findings print as compilers do, by line, each once`() {
        var findings = Findings()
        findings.add(.warning, file: "t.yaml", line: 12, path: "routes[2].price", "is odd", remedy: "write `$1`")
        findings.add(.error, file: "t.yaml", line: 3, "is wrong")
        findings.add(.error, file: "t.yaml", line: 3, "is wrong")
        findings.add(.notice, file: "t.yaml", line: 0, "is new")
        #expect(
            findings.text == """
                t.yaml: notice: is new
                t.yaml:3: error: is wrong
                t.yaml:12: warning: routes[2].price: is odd; write `$1`

                """
        )
        #expect(findings.hasErrors)
        #expect(Finding.Severity.allCases.map(findings.count) == [1, 1, 1])
    }

    @Test func `a finding stays on one line whatever was written`() {
        let finding = Finding(.error, file: "a", line: 1, message: "`x\n\u{1B}[2J\u{202E}`")
        #expect(finding.description == "a:1: error: `x\\n\\u{1B}[2J\\u{202E}`")
    }

    @Test(arguments: [
        ("upsteam", "upstream"), ("public-url", "public_url"), ("Price", "price"), ("descripton", "description"), ("qqq", nil),
        ("", nil),
    ])
    func `the nearest name is a likely one`(written: String, expected: String?) {
        #expect(NearestName.find(written, among: ["price", "upstream", "public_url", "description"]) == expected)
    }
}
