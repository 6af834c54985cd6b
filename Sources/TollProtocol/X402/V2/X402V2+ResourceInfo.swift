// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2 {
    /// What is for sale. Source: x402 specification v2, "ResourceInfo".
    public struct ResourceInfo: WireObject {
        /// The object, verbatim.
        public let json: JSONObject
        /// Where it is.
        public let url: String
        /// For people.
        public let description: String?
        /// Of the answer.
        public let mimeType: String?
        /// Up to 32 printable ASCII characters, for directories.
        public let serviceName: String?
        /// Up to five of up to 32 printable ASCII characters, for directories.
        public let tags: [String]?
        /// Absolute http(s), up to 2048 characters, for directories.
        public let iconURL: String?

        /// Builds one; what is nil is left out.
        public init(
            url: String,
            description: String? = nil,
            mimeType: String? = nil,
            serviceName: String? = nil,
            tags: [String]? = nil,
            iconURL: String? = nil
        ) {
            var json: JSONObject = ["url": .string(url)]
            json["description"] = description.map(JSON.string)
            json["mimeType"] = mimeType.map(JSON.string)
            json["serviceName"] = serviceName.map(JSON.string)
            json["tags"] = tags.map { .array($0.map(JSON.string)) }
            json["iconUrl"] = iconURL.map(JSON.string)
            self.json = json
            self.url = url
            self.description = description
            self.mimeType = mimeType
            self.serviceName = serviceName
            self.tags = tags
            self.iconURL = iconURL
        }

        /// Reads one. What is for directories never fails a payment: there a wrong type counts as absent.
        public init(_ json: JSONObject, at path: String) throws(WireError) {
            let reader = WireReader(json, at: path)
            self.json = json
            self.url = try reader.string("url")
            self.description = try reader.optionalString("description")
            self.mimeType = try reader.optionalString("mimeType")
            self.serviceName = json["serviceName"]?.string
            self.tags = json["tags"]?.strings
            self.iconURL = json["iconUrl"]?.string
        }
    }
}
