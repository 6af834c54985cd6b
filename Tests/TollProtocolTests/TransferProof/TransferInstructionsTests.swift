// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

@Suite struct TransferInstructionsTests {
    typealias Instructions = TransferProof.Instructions

    @Test(arguments: TransferSample.signed)
    func `what another program made is read in every form and comes back byte for byte`(answer: TransferSample.Signed) throws {
        let instructions = try Instructions(body: Array(answer.text.utf8), as: .json)
        #expect(instructions.body(as: .json) == Array(answer.text.utf8))
        #expect(instructions.body(as: .paymentRequest) == Array(answer.text.utf8))
        #expect(try Instructions(body: instructions.body(as: .paymentRequest), as: .paymentRequest) == instructions)
        #expect(try Instructions(body: Array(answer.form.utf8), as: .form) == instructions)
        #expect(try Instructions(body: instructions.body(as: .form), as: .form) == instructions)
        let fields = instructions.fields
        #expect(fields.map(\.name) == ["X-402-Required", "Pay-To", "Pay-URL"])
        #expect(fields[1].value == instructions.recipient && fields[2].value == instructions.paymentURI)
        let read = try Instructions(fieldValue: fields[0].value, resource: instructions.resource, paymentURI: fields[2].value)
        #expect(read == instructions)
    }

    @Test func `every known answer is there`() {
        #expect(TransferSample.signed.count == 4 && TransferSample.proofs.count == 3)
    }

    @Test func `the members are these, in this order`() throws {
        let signature = [UInt8](repeating: 7, count: 65)
        let instructions = try TransferSample.instructions().signed(by: Sample.payer, signature)
        let names = instructions.json.members.map(\.name)
        #expect(
            names == [
                "reference", "recipient", "amount", "currency", "decimals", "asset", "chainId", "network", "resource", "expires",
                "paymentUri", "bind", "signer", "signature",
            ])
        #expect(instructions.signer == Sample.payer && instructions.signature == signature)
        #expect(try TransferSample.instructions().json.members.map(\.name) == Array(names.dropLast(2)))
    }

    @Test func `the field is what curl shows`() throws {
        let field = try TransferSample.instructions(currency: "USD₮0").fieldValue
        #expect(
            field == """
                reference=000102030405060708090a0b0c0d0e0f; recipient=\(Sample.payee); amount=10042; currency=USD%E2%82%AE0; \
                decimals=6; asset=\(Sample.usdc); chainId=84532; expires=1770000000; bind=amount
                """)
    }

    @Test func `the fields stay within their limit, whatever the members are`() throws {
        let longest = try TransferProof.Instructions(
            reference: TransferSample.reference, recipient: Sample.payee, amount: .max,
            currency: String(repeating: "$", count: Instructions.currencySizeMax), decimals: .max, asset: Sample.usdc,
            chainID: 1 << 53 - 1, resource: "https://h/" + String(repeating: "x", count: Instructions.resourceSizeMax - 10),
            expires: .max, bind: .signature, signer: Sample.payer, signature: [UInt8](repeating: 255, count: 65)
        )
        #expect(longest.fieldValue.utf8.count <= Instructions.fieldSizeMax)
        #expect(longest.fields.allSatisfy { $0.value.utf8.count <= Instructions.fieldSizeMax })
        #expect(try Instructions(fieldValue: longest.fieldValue, resource: longest.resource) == longest)
        let contract = try longest.signed(by: Sample.payer, [UInt8](repeating: 1, count: TransferProof.signatureSizeMax))
        #expect(contract.fieldValue.utf8.count <= Instructions.fieldSizeMax && !contract.fieldValue.contains("sign="))
        #expect(!contract.fieldValue.contains("signature=0x") && !contract.fieldValue.contains("signer="))
        #expect(contract.body(as: .json).count > TransferProof.signatureSizeMax * 2)
    }

    @Test func `in an x402 object they lie flat in the extension, with the link and the amount at the top`() throws {
        let instructions = try TransferSample.instructions()
        var json = X402V2.PaymentRequired(resource: nil, accepts: [], extensions: ["other": [:]]).json
        instructions.write(to: &json)
        #expect(json["paymentUri"]?.string == instructions.paymentURI && json["amount"] == "10042")
        let challenge = try X402V2.PaymentRequired(json)
        #expect(challenge.accepts.isEmpty && challenge.extensions?["other"] == [:])
        #expect(challenge.extensions?["transfer-proof"] == .object(instructions.json))
        #expect(try Instructions(extensions: challenge.extensions) == instructions)
        #expect(try Instructions(extensions: nil) == nil)
        #expect(try Instructions(extensions: ["other": [:]]) == nil)
        let error = Sample.error { () throws(WireError) in _ = try Instructions(extensions: ["transfer-proof": [:]]) }
        #expect(error?.path == "extensions.transfer-proof.reference" && error?.fault == .missing)
    }

    static let hostile = [
        "\r\nSet-Cookie: a=b", "a\nb", "a\rb", "a\u{0}b", "a\tb", "\u{7F}", "\u{85}", "\u{2028}", "\u{202E}", "\u{200B}", " ", "",
        "e\u{301}",
    ]

    @Test(arguments: hostile)
    func `nothing that could end a line or hide gets into a member`(text: String) throws {
        func error(_ make: () throws(WireError) -> Void) -> String? { Sample.error(make)?.path }
        let hostile = "x" + text
        #expect(
            error { () throws(WireError) in _ = try TransferSample.instructions(recipient: Sample.payee + text + "0") }
                == "recipient")
        #expect(
            error { () throws(WireError) in _ = try TransferSample.instructions(asset: String(Sample.usdc.dropLast()) + text) }
                == "asset")
        #expect(
            error { () throws(WireError) in _ = try TransferSample.instructions(resource: "https://h/" + hostile) }
                == (text.isEmpty ? nil : "resource"))
        #expect(
            error { () throws(WireError) in _ = try TransferSample.instructions(currency: hostile) }
                == (text.isEmpty ? nil : "currency"))
        #expect(
            error { () throws(WireError) in _ = try TransferSample.instructions(paymentURI: "ethereum:" + text) } == "paymentUri")
        let signature = [UInt8](repeating: 1, count: 65)
        #expect(
            error { () throws(WireError) in _ = try TransferSample.instructions(signer: "0x" + text, signature: signature) }
                == "signer")
    }

    @Test(arguments: ["; bind=signature", "\"", "%0D%0A", "=", ";", ",", "\\", "<script>", "&amount=1"])
    func `what is visible is escaped wherever it would mean something`(text: String) throws {
        let instructions = try TransferSample.instructions(
            currency: text.filter { $0 != " " }, resource: "https://h/?" + text.filter { $0 != " " })
        let isPlain: (UInt8) -> Bool = { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "-._~%=; ".utf8.contains(byte)
        }
        #expect(instructions.fieldValue.utf8.allSatisfy(isPlain))
        #expect(instructions.fieldValue.split(separator: ";").count == 9)
        #expect(try Instructions(fieldValue: instructions.fieldValue, resource: instructions.resource) == instructions)
        for format in TransferProof.Format.allCases {
            #expect(try Instructions(body: instructions.body(as: format), as: format) == instructions)
        }
    }

    static let spoiled: [(String, JSON?, WireError.Fault)] = [
        ("reference", nil, .missing), ("reference", .null, .missing), ("reference", 1, .wrongType), ("reference", "", .malformed),
        ("reference", "000102030405060708090A0B0C0D0E0F", .malformed),
        ("reference", "0x0102030405060708090a0b0c0d0e0f", .malformed),
        ("reference", "000102030405060708090a0b0c0d0e0f00", .malformed),
        ("recipient", nil, .missing), ("recipient", "0x0", .malformed), ("recipient", "vitalik.eth", .malformed),
        ("recipient", .string("0X" + String(repeating: "0", count: 40)), .malformed),
        ("amount", 10042, .wrongType), ("amount", "0x10", .malformed), ("amount", "1e4", .malformed),
        ("amount", "-1", .malformed),
        ("amount", "010042", .malformed), ("amount", "10043", .malformed),
        ("currency", "", .malformed), ("currency", .string(String(repeating: "A", count: 33)), .malformed),
        ("decimals", "6", .wrongType), ("decimals", 256, .malformed), ("decimals", -1, .malformed),
        ("decimals", .number("6.0"), .malformed),
        ("asset", nil, .missing), ("asset", "USDC", .malformed),
        ("chainId", nil, .missing), ("chainId", "84532", .wrongType), ("chainId", 0, .malformed),
        ("chainId", .number("84532e0"), .malformed), ("chainId", .number("9007199254740992"), .malformed),
        ("network", nil, .missing), ("network", "eip155:8453", .malformed), ("network", "base-sepolia", .malformed),
        ("resource", "/weather", .malformed), ("resource", "ftp://h/", .malformed),
        ("resource", .string("https://" + String(repeating: "h", count: 16 * 1024)), .malformed),
        ("expires", "1770000000", .wrongType), ("expires", -1, .malformed),
        ("expires", .number("9223372036854775808"), .malformed),
        ("paymentUri", nil, .missing), ("paymentUri", "ethereum:", .malformed),
        ("bind", nil, .missing), ("bind", "Amount", .malformed), ("bind", "trust", .malformed),
        ("signer", nil, .missing), ("signer", "me", .malformed),
        ("signature", nil, .missing), ("signature", "0x", .malformed),
        ("signature", .string(String(repeating: "1", count: 130)), .malformed),
        ("signature", .string("0x" + String(repeating: "11", count: 64)), .malformed),
        ("signature", .string("0x" + String(repeating: "11", count: 1537)), .malformed),
    ]

    @Test(arguments: spoiled)
    func `an error names the member`(name: String, value: JSON?, fault: WireError.Fault) throws {
        var json = try TransferSample.instructions(signer: Sample.payer, signature: [UInt8](repeating: 1, count: 65)).json
        json[name] = value
        let error = Sample.error { () throws(WireError) in _ = try Instructions(json) }
        // Another amount is noticed where it stands a second time.
        let path = name == "amount" && value == "10043" ? "paymentUri" : name
        #expect(error?.path == path && error?.fault == fault)
    }

    static let links = [
        "ethereum:\(Sample.payee)@84532/transfer?address=\(Sample.payee)&uint256=10042",
        "ethereum:\(Sample.usdc)@8453/transfer?address=\(Sample.payee)&uint256=10042",
        "ethereum:\(Sample.usdc)@84532/transfer?address=\(Sample.payer)&uint256=10042",
        "ethereum:\(Sample.usdc)@84532/transfer?address=\(Sample.payee)&uint256=10043",
    ]

    @Test(arguments: links)
    func `a link that pays something else is refused`(link: String) {
        let error = Sample.error { () throws(WireError) in _ = try TransferSample.instructions(paymentURI: link) }
        #expect(error?.path == "paymentUri" && error?.fault == .malformed)
    }

    static let forms: [(String, String, WireError.Fault)] = [
        ("amount=1&amount=2", "", .malformed), ("reference=%", "", .malformed), ("reference=%zz", "", .malformed),
        ("", "reference", .missing), ("{}", "reference", .missing),
    ]

    @Test(arguments: forms)
    func `a form is read as strictly`(form: String, path: String, fault: WireError.Fault) throws {
        let error = Sample.error { () throws(WireError) in _ = try Instructions(body: Array(form.utf8), as: .form) }
        #expect(error?.path == path && error?.fault == fault)
    }

    @Test(arguments: ["+84532", "084532", "84532 ", "8_4", "", "0x14a34"])
    func `a number in a form has one spelling`(number: String) throws {
        let members = try TransferSample.instructions().json.members.map { name, value in
            (name: name, value: name == "chainId" ? number : value.string ?? value.text)
        }
        let error = Sample.error { () throws(WireError) in
            _ = try Instructions(body: Array(FormText.encode(members).utf8), as: .form)
        }
        #expect(error?.path == "chainId" && error?.fault == .malformed)
    }

    @Test(arguments: ["reference", "reference=%4", "a=1; a=2", "; ;", "reference=1"])
    func `a field that is none is refused`(text: String) {
        #expect(throws: WireError.self) { try Instructions(fieldValue: text, resource: "https://h/") }
    }

    @Test func `what is over its limit is not looked into`() throws {
        let long = [UInt8](repeating: 0x61, count: 101)
        for format in TransferProof.Format.allCases {
            let error = Sample.error { () throws(WireError) in _ = try Instructions(body: long, as: format, sizeMax: 100) }
            #expect(error?.fault == .tooLarge)
        }
        let field = String(repeating: "a", count: Instructions.fieldSizeMax + 1)
        let error = Sample.error { () throws(WireError) in _ = try Instructions(fieldValue: field, resource: "https://h/") }
        #expect(error?.fault == .tooLarge)
    }

    @Test func `a reference is not printed by accident`() throws {
        let reference = TransferSample.reference
        #expect("\(reference)" == "<redacted>" && reference.text == "000102030405060708090a0b0c0d0e0f")
        var dumped = ""
        dump(try TransferSample.instructions(), to: &dumped)
        #expect(!dumped.contains(reference.text) && !dumped.contains("0: 0"))
        #expect(TransferProof.Reference(bytes: 0..<16) == reference)
        #expect(TransferProof.Reference(bytes: 1..<17) != reference && TransferProof.Reference(bytes: 0..<15) == nil)
    }
}
