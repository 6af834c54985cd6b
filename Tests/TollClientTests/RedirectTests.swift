// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollClient
import TollHTTP
import TollPrimitives

@Suite struct RedirectTests {
    private func moved(_ location: String, _ status: Int = 302) -> Answer { .answer(status, ["Location": location], "") }

    @Test(arguments: [
        ("/b", "/b"), ("b", "/b"), ("?x=1", "/weather?x=1"), ("https://api.example/c#part", "/c"), ("//api.example:443/d", "/d"),
        ("./e/../f?y", "/f?y"), ("../../g", "/g"),
    ])
    func `a redirect within the origin is followed, and the end of it paid`(location: String, target: String) async {
        let shop = Shop([self.moved(location), Market.challenge([Market.option()]), Market.delivered()])
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 0)
        #expect(shop.server.requests.map { String(decoding: $0.target, as: UTF8.self) } == ["/weather", target, target])
    }

    @Test(arguments: [
        "https://evil.example/weather", "http://api.example/weather", "https://api.example:8443/weather", "//evil.example/",
        "https://api.example.evil.example/", #"https://evil.example\@api.example/"#,
    ])
    func `a redirect to another origin is neither followed nor paid`(location: String) async throws {
        let shop = Shop([self.moved(location), Market.challenge([Market.option()]), Market.delivered()])
        let (report, _) = await shop.buy()
        #expect(shop.server.requests.count == 1 && report.payment == nil)
        #expect(try shop.spentToday == Dollars(0))
        if (try? URLParts(parsing: location)) != nil { #expect(report.exitStatus == 20) }
    }

    @Test func `redirects without end are an error`() async {
        let shop = Shop(Array(repeating: self.moved("/again"), count: 10))
        let (report, _) = await shop.buy()
        #expect(report.exitStatus == 30 && shop.server.requests.count == 6)
    }

    @Test func `what is posted is not posted elsewhere`() async {
        let shop = Shop([self.moved("/b", 307)])
        let (report, _) = await shop.buy(PurchaseRequest(Market.url, method: .post, body: [1]))
        #expect(report.exitStatus == 0 && report.status == 307 && shop.server.requests.count == 1)
    }

    @Test func `an answer to a payment that points elsewhere is the answer`() async {
        let shop = Shop([Market.challenge([Market.option()]), self.moved("https://evil.example/")])
        let (report, _) = await shop.buy()
        #expect(report.status == 302 && shop.server.requests.count == 2 && report.notices.count == 1)
    }

    @Test func `a server without TLS is paid only on this machine or when allowed`() async throws {
        for (host, status) in [
            ("api.example", Int32(20)), ("127.0.0.1:4020", 0), ("localhost:4020", 0), ("[::1]:4020", 0), ("127.evil.example", 20),
            ("10.0.0.1", 20),
        ] {
            let request = PurchaseRequest(try URLParts(parsing: "http://\(host)/weather"))
            let shop = Shop([Market.challenge([Market.option()]), Market.delivered()])
            #expect(await shop.buy(request).report.exitStatus == status, "\(host)")
        }
        let shop = Shop([Market.challenge([Market.option()]), Market.delivered()])
        let request = PurchaseRequest(try URLParts(parsing: "http://api.example/weather"))
        #expect(await shop.buy(request, PurchasePolicy(allowsPlainHTTP: true)).report.exitStatus == 0)
    }
}
