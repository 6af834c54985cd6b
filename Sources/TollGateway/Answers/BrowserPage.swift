// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives

/// What a person sees who opens a priced resource in a browser: the price, what 402 means, and how to pay from a terminal.
struct BrowserPage {
    let offer: Offer

    private static let (html, mozilla) = (Array("text/html".utf8), Array("Mozilla".utf8))

    /// Whether a request comes from a browser: `Accept` has `text/html` and `User-Agent` has `Mozilla`, both, so that programs
    /// get JSON.
    static func isWanted(by head: RequestHead) -> Bool {
        guard head.method == .get || head.method == .head, let accept = head.fields.first(.accept), contains(accept, self.html),
            let agent = head.fields.first(.userAgent)
        else { return false }
        return contains(agent, self.mozilla)
    }

    private static func contains(_ text: ArraySlice<UInt8>, _ part: [UInt8]) -> Bool {
        guard text.count >= part.count else { return false }
        return (text.startIndex...(text.endIndex - part.count)).contains { text[$0...].starts(with: part) }
    }

    var html: [UInt8] {
        let options = self.offer.options.map { option in
            "<li><strong>\(escape(option.display))</strong> on <code>\(escape(option.network.description))</code></li>"
        }
        let resource = escape(self.offer.resource)
        let argument = escape(quoted(self.offer.resource))
        let description = self.offer.description.isEmpty ? "" : "<p class=\"what\">\(escape(self.offer.description))</p>"
        return Array(
            """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>402 Payment Required</title>
            <style>
            :root { color-scheme: light dark }
            body { font: 17px/1.55 system-ui, sans-serif; max-width: 40rem; margin: 12vh auto 4rem; padding: 0 1.25rem }
            h1 { font-size: 1.6rem; margin: 0 0 .25rem } .what { font-size: 1.15rem; margin-top: 0 }
            code, pre { font: .85em/1.5 ui-monospace, monospace }
            pre { padding: .9rem 1rem; border: 1px solid #8884; border-radius: .5rem; overflow-x: auto }
            .url { overflow-wrap: anywhere; opacity: .75 } ul { padding-left: 1.2rem }
            </style>
            </head>
            <body>
            <h1>This resource is paid for per request</h1>
            \(description)
            <p class="url"><code>\(resource)</code></p>
            <ul>\(options.joined())</ul>
            <p>402 is the status code of HTTP that means <em>Payment Required</em>. A program pays for one request by signing a
            transfer of a stablecoin and sending it along; no account, no key, no subscription.</p>
            <p>From a terminal:</p>
            <pre>toll get \(argument)</pre>
            <p>What it asks for, as a program sees it:</p>
            <pre>curl -i \(argument)</pre>
            </body>
            </html>

            """.utf8
        )
    }

    /// Text as HTML: everything that could begin markup, and `'` and `"`, as references. By scalars, as browsers read: a
    /// character of Swift may be a `<` with marks around it.
    private func escape(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            case "'": "&#39;"
            default: String(scalar)
            }
        }.joined()
    }

    /// A word of a shell's command line that means only itself: people copy it, and the path is whoever made the link's.
    private func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}
