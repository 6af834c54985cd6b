// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

package import TollPrimitives

extension StoredAnswer {
    /// Status and fields as the ledger keeps them. Field values are Base64: HTTP does not promise that they are UTF-8.
    package var storedHead: JSONObject {
        [
            "v": .integer(EncodedEvent.version),
            "status": .integer(self.status),
            "fields": .array(self.fields.map { [.string($0.name), .string(Base64.encode($0.value))] }),
        ]
    }

    /// Reads what ``storedHead`` wrote.
    package init(storedHead text: String, body: [UInt8]) throws(StoreError) {
        var members = try StrictMembers(parsing: text, of: "answer")
        let version: Int = try members.integer("v")
        guard (1...EncodedEvent.version).contains(version) else {
            throw .corrupt("an answer in version \(version), which this program does not know")
        }
        let status: Int = try members.integer("status")
        var fields: [Field] = []
        for field in try members.array("fields") {
            guard let pair = field.array, pair.count == 2, let name = pair[0].string,
                let value = pair[1].string.flatMap({ Base64.decode($0) })
            else { throw .corrupt("a field of an answer") }
            fields.append(Field(name: name, value: value))
        }
        try members.end()
        self.init(status: status, fields: fields, body: body)
    }
}
