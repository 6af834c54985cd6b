// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTPEngine
import TollPrimitives
import TollRuntime

/// Where the gateway listens, and what it speaks there.
extension ConfigurationReader {
    /// A socket's path, with room behind it for the name under which it is made; the system allows 107 bytes in all.
    private static let pathBytesMax = 96
    private static let keys = ["address", "tls", "redirect_to_https", "mode", "group"]
    private static let fileExample = "file:/etc/tollgate/cert.pem"

    /// One listener or a list of them; without the key, the default. Nil when one is wrong.
    mutating func listeners(_ value: ConfigurationValue?) -> [Configuration.Listener]? {
        guard let value else {
            return ListenAddress("127.0.0.1:4020").map {
                [Configuration.Listener(location: .address($0), place: Configuration.Place(path: "listen", line: 1))]
            }
        }
        guard let read = self.listeners(value, example: "127.0.0.1:4020") else { return nil }
        if read.allSatisfy(\.redirectsToHTTPS) {
            let remedy = "add one that serves, for example `{address: 0.0.0.0:443, tls: {cert: …, key: …}}`"
            value.refuse("every listener only redirects", remedy: remedy, &self.findings)
        }
        return read
    }

    /// Where something listens that is no gateway, in the same words: one place or a list. Nil when one is wrong.
    mutating func companionListeners(_ value: ConfigurationValue, example: String) -> [Configuration.Listener]? {
        guard let read = self.listeners(value, example: example) else { return nil }
        if let redirect = read.first(where: \.redirectsToHTTPS) {
            let remedy = "remove `redirect_to_https`"
            self.findings.add(
                .error, file: self.file, line: redirect.place.line, path: redirect.place.path,
                "only the gateway sends clients to its `public_url`", remedy: remedy)
            return nil
        }
        return read
    }

    private mutating func listeners(_ value: ConfigurationValue, example: String) -> [Configuration.Listener]? {
        guard let items = value.listOrSingle(&self.findings) else { return nil }
        guard !items.isEmpty else {
            value.refuse("is empty, so that nobody could connect", remedy: "write `listen: \(example)`", &self.findings)
            return nil
        }
        let listeners = items.map { self.listener($0) }
        guard listeners.allSatisfy({ $0 != nil }) else { return nil }
        return listeners.compactMap(\.self)
    }

    private mutating func listener(_ value: ConfigurationValue) -> Configuration.Listener? {
        guard case .mapping = value.node.content else {
            return self.location(value).map { Configuration.Listener(location: $0, place: self.place(value)) }
        }
        guard let mapping = value.mapping(keys: Self.keys, &self.findings) else { return nil }
        let address = mapping.required("address", example: "0.0.0.0:443", &self.findings)
        let location = address.flatMap { self.location($0) }
        let certificates = mapping["tls"].flatMap { self.certificates($0) }
        let redirects = mapping["redirect_to_https"]?.boolean(&self.findings) ?? false
        let mode = mapping["mode"].flatMap { self.mode($0) }
        let group = mapping["group"]?.text(example: "www-data", &self.findings)
        if redirects, mapping.has("tls") {
            let remedy = "remove `tls`, or `redirect_to_https`"
            mapping["redirect_to_https"]?.refuse(
                "stands beside `tls`: clients would be sent in circles", remedy: remedy, &self.findings)
        }
        if case .address = location, let other = mapping["mode"] ?? mapping["group"] {
            other.refuse("only the file of a Unix socket has permissions", remedy: "remove it", &self.findings)
        }
        guard let location, certificates != nil || !mapping.has("tls") else { return nil }
        return Configuration.Listener(
            location: location, mode: mode ?? 0o660, group: group, certificates: certificates ?? [], redirectsToHTTPS: redirects,
            place: self.place(value))
    }

    /// `host:port`, or `unix:` and a path.
    private mutating func location(_ value: ConfigurationValue) -> Configuration.Listener.Location? {
        guard let text = value.scalarText, text.hasPrefix("unix:") else {
            return value.listenAddress(&self.findings).map { .address($0) }
        }
        let path = String(text.dropFirst(5))
        guard (1...Self.pathBytesMax).contains(path.utf8.count), !path.hasSuffix("/"), !path.utf8.contains(0) else {
            let remedy = "write for example `unix:/run/tollgate/tollgate.sock`, at most \(Self.pathBytesMax) bytes behind `unix:`"
            value.refuse("`\(Finding.excerpt(text))` is no path of a socket", remedy: remedy, &self.findings)
            return nil
        }
        return .unix(path: path)
    }

    private mutating func mode(_ value: ConfigurationValue) -> UInt32? {
        guard let text = value.text(example: "0660", &self.findings) else { return nil }
        guard (3...4).contains(text.utf8.count), let mode = UInt32(text, radix: 8), mode <= 0o777 else {
            let remedy = "write three octal digits, for example `\"0660\"`"
            value.refuse("`\(Finding.excerpt(text))` is no file's permissions", remedy: remedy, &self.findings)
            return nil
        }
        return mode
    }

    private mutating func certificates(_ value: ConfigurationValue) -> [Configuration.Certificate]? {
        guard let items = value.listOrSingle(&self.findings) else { return nil }
        guard !items.isEmpty else {
            value.refuse("is empty", remedy: "write `{cert: \(Self.fileExample), key: file:PATH}`", &self.findings)
            return nil
        }
        let certificates = items.compactMap { self.certificate($0) }
        return certificates.count == items.count ? certificates : nil
    }

    private mutating func certificate(_ value: ConfigurationValue) -> Configuration.Certificate? {
        guard let mapping = value.mapping(keys: ["cert", "key"], &self.findings) else { return nil }
        let cert = mapping.required("cert", example: Self.fileExample, &self.findings)
        let key = mapping.required("key", example: "file:/etc/tollgate/key.pem", &self.findings)
        guard let certificate = cert?.secret(from: self.secrets, &self.findings),
            let secret = key?.secret(from: self.secrets, &self.findings)
        else { return nil }
        let text = certificate.value.withExposed { $0 }
        do throws(TLSIdentity.Problem) {
            let identity = try TLSIdentity(certificates: Array(text.utf8), key: secret.value.withExposed { Array($0.utf8) })
            return Configuration.Certificate(
                certificate: certificate.reference, key: secret.reference, identity: identity, text: text,
                place: self.place(value))
        } catch {
            let isOfKey = error == .noKey || error == .otherKey
            (isOfKey ? key : cert)?.refuse(error.description, remedy: Self.remedy(error), &self.findings)
            return nil
        }
    }

    private static func remedy(_ problem: TLSIdentity.Problem) -> String {
        switch problem {
        case .noCertificate, .badChain: "write the file with the server's certificate first and the intermediate ones behind it"
        case .noKey: "write the file with the private key, without a password"
        case .otherKey: "write the key that the certificate was made for"
        case .tooWeak: "get one with RSA of 2048 bits or more, or ECDSA, signed with SHA-256"
        }
    }
}
