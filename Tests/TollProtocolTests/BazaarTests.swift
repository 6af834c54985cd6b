// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPrimitives
import TollProtocol

/// The extension `bazaar`. The SDK's own parser and JSON Schema validator read it in the interop matrix, group `discovery`.
@Suite struct BazaarTests {
    typealias Bazaar = X402V2.Bazaar

    @Test func `only methods that the extension knows are described`() {
        for method in ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"] { #expect(Bazaar(method: method, segments: []) != nil) }
        for method in ["OPTIONS", "PURGE", "get", ""] { #expect(Bazaar(method: method, segments: []) == nil) }
    }

    /// Facilitators take `^/[a-zA-Z0-9_/:.\-~%]+$` (x402 SDK for Python 2.25.0, bazaar/facilitator.py).
    @Test func `a template has no character that facilitators refuse`() throws {
        let segments: [Bazaar.Segment] = [.literal("a!$&'()+,=@b"), .parameter("city"), .literal("v1.0-x~_"), .rest("var1")]
        let template = try #require(Bazaar(method: "GET", segments: segments)?.routeTemplate)
        #expect(template == "/a%21%24%26%27%28%29%2B%2C%3D%40b/:city/v1.0-x~_/:var1")
        #expect(Bazaar(method: "GET", segments: [.literal("weather")])?.routeTemplate == nil)
    }

    @Test(
        arguments: [
            ("/a/b/c", ["one": "b", "rest": "c"]), ("/a/b/c/d/", ["one": "b", "rest": "c/d/"]),
            ("/a/b%2Fc/", ["one": "b%2Fc", "rest": ""]), ("/a/b", ["one": "b"]), ("/a", [:]), ("", [:]),
        ] as [(String, JSONObject)])
    func `parameters stand as they stand in the path`(path: String, values: JSONObject) throws {
        let bazaar = try #require(Bazaar(method: "GET", segments: [.literal("a"), .parameter("one"), .rest("rest")]))
        let input = bazaar.entry(forPath: path[...])["info"]?["input"]
        #expect(input?["pathParams"] == (values.isEmpty ? nil : .object(values)))
    }

    @Test func `what is required and has no example is not asked of the examples`() throws {
        let input = Bazaar.Input(
            query: ["a": ["type": "string", "example": "x"], "b": ["type": "string"]], required: ["a", "b"],
            body: ["type": "object", "properties": ["c": ["type": "string"]], "required": ["c"]])
        let entry = try #require(Bazaar(method: "POST", segments: [], input: input)).entry()
        let schema = entry["schema"]?["properties"]?["input"]?["properties"]
        #expect(schema?["queryParams"]?["required"] == ["a"])
        #expect(schema?["body"] == ["properties": ["c": ["type": "string"]]])
        #expect(entry["info"]?["input"]?["body"] == [:] && entry["info"]?["input"]?["bodyType"] == "json")
    }

    @Test func `an example of the body keeps what it has required`() throws {
        let body: JSONObject = ["type": "object", "required": ["c", "d"], "example": ["c": "x"]]
        let entry = try #require(Bazaar(method: "PUT", segments: [], input: Bazaar.Input(body: body))).entry()
        #expect(entry["info"]?["input"]?["body"] == ["c": "x"])
        #expect(
            entry["schema"]?["properties"]?["input"]?["properties"]?["body"] == ["type": "object", "required": ["c"]])
    }
}
