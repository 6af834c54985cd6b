// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import tollgate

@Suite struct AddressTextTests {
    /// The first four are the test cases of EIP-55 itself.
    @Test(arguments: [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x0000000000000000000000000000000000000000",
    ])
    func `checksummed addresses are valid, one case is unchecked, another capital is wrong`(address: String) {
        #expect(AddressText.read(address) == .valid(address))
        guard address != AddressText.zero else { return }
        #expect(AddressText.read(address.lowercased()) == .unchecked(address))
        #expect(AddressText.read("0x" + address.dropFirst(2).uppercased()) == .unchecked(address))
        let letter = address.lastIndex { $0.isLowercase && $0 != "x" }
        guard let letter else { return }
        let wrong = address.replacingCharacter(at: letter, with: address[letter].uppercased())
        #expect(AddressText.read(wrong) == .wrongChecksum(address))
    }

    @Test(arguments: [
        "", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd", "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg",
    ])
    func `anything else is no address`(text: String) {
        #expect(AddressText.read(text) == .malformed)
    }
}

extension String {
    fileprivate func replacingCharacter(at index: Index, with text: String) -> String {
        self[..<index] + text + self[self.index(after: index)...]
    }
}

@Suite struct WebURLTests {
    @Test(arguments: [
        ("http://a", "http://a", 80, ""), ("HTTPS://A.example:443/x?y", "https://a.example", 443, "/x?y"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545", 8_545, ""), ("http://[::1]:1/", "http://[::1]:1", 1, "/"),
        ("https://a?k=v", "https://a", 443, "?k=v"), ("http://[2001:db8::1.2.3.4]", "http://[2001:db8::1.2.3.4]", 80, ""),
    ])
    func `a URL has an origin and a target, and prints as its origin`(text: String, origin: String, port: Int, target: String)
        throws
    {
        let url = try WebURL(text)
        #expect(url.origin == origin)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect("\(url)" == origin)
    }

    @Test(arguments: [
        "ftp://a", "a.example", "http://", "http:///x", "http://a:0", "http://a:65536", "http://a:x", "http://a:", "http://u:p@a",
        "http://a/#f", "http://a b", "http://a_\u{E9}", "http://256.1.1.1", "http://1.2.3", "http://01.2.3.4", "http://[::1",
        "http://[1]",
        "http://[1::2::3]", "http://[1:2:3:4:5:6:7:8:9]", "http://-a", "http://a..b", "http://a.", "https://[:::]",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: WebURL.Problem.self) { try WebURL(text) }
    }

    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1:80", true), ("localhost:80", "127.0.0.1:80", true), ("[::1]:80", "[::1]:80", true),
        ("0.0.0.0:0", "0.0.0.0:0", false), ("[::]:80", "[::]:80", false), ("127.1.2.3:1", "127.1.2.3:1", true),
        ("a.example:80", nil, false), (":80", nil, false), ("80", nil, false), ("127.0.0.1", nil, false), ("::1:80", nil, false),
        ("127.0.0.1:99999", nil, false),
    ])
    func `a listener is an IP address and a port`(text: String, printed: String?, isLoopback: Bool) {
        #expect(ListenAddress(text)?.description == printed)
        #expect(ListenAddress(text)?.isLoopback ?? false == isLoopback)
    }
}
