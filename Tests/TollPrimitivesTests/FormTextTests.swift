// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives

struct FormTextTests {
    @Test func `names and values come back, whatever stands in them`() throws {
        let members = [("a", "1"), ("b&c=d", "x y+z%20"), ("é", "\r\n\u{0}€"), ("empty", ""), ("a", "2")]
        let text = FormText.encode(members.map { (name: $0.0, value: $0.1) })
        #expect(text == "a=1&b%26c%3Dd=x%20y%2Bz%2520&%C3%A9=%0D%0A%00%E2%82%AC&empty=&a=2")
        let read = try #require(FormText.decode(text))
        #expect(read.map(\.name) == members.map(\.0) && read.map(\.value) == members.map(\.1))
    }

    @Test func `what browsers write is read`() throws {
        let read = try #require(FormText.decode("a+b=c+d&&name&x=1=2&=v"))
        #expect(read.map(\.name) == ["a b", "name", "x", ""])
        #expect(read.map(\.value) == ["c d", "", "1=2", "v"])
        #expect(try #require(FormText.decode("")).isEmpty)
    }

    @Test(arguments: ["a=%", "a=%4", "a=%zz", "%=a", "a=%ff", "a=%c3", "a=1&b=%E2%82"])
    func `a broken escape and bytes that are no UTF-8 are refused`(text: String) {
        #expect(FormText.decode(text) == nil)
    }
}
