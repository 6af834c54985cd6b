// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP
import TollPrimitives

/// The API that is for sale: it knows nothing of payments.
struct DemoWeather: RequestHandler {
    func handle(_ request: Request, _ responder: consuming Responder) async {
        let city = String(decoding: request.head.path.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
        let body: JSON = ["city": .string(city), "celsius": .integer(10 + city.utf8.count), "sky": "clear"]
        try? await responder.send(ResponseHead(status: 200, fields: ["Content-Type": "application/json"]), body: body.utf8)
    }
}
