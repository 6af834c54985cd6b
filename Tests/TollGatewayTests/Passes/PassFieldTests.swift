// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollPrimitives

@testable import TollGateway

/// Where passes stand among other things, and how they are taken out.
@Suite struct PassFieldTests {
    private static func stripped(_ name: String, _ values: [String]) -> [String] {
        var fields: Fields = ["A": "1"]
        for value in values { fields.append(name, value) }
        fields.append("B", "2")
        PassField.strip(&fields)
        #expect(fields.contains("a") && fields.contains("b"))
        return FieldName(name).map { fields.values(of: $0).map { String(decoding: $0, as: UTF8.self) } } ?? []
    }

    @Test(
        arguments: [
            (["Bearer tgp_x"], []), (["bearer  tgp_x"], []), (["Basic x", "Bearer tgp_x"], ["Basic x"]),
            (["Bearer x"], ["Bearer x"]), (["Bearer tgpx"], ["Bearer tgpx"]), (["tgp_x"], ["tgp_x"]), (["Bearer"], ["Bearer"]),
        ] as [([String], [String])])
    func `of credentials ours go and others stay`(values: [String], left: [String]) {
        #expect(Self.stripped("Authorization", values) == left)
    }

    @Test(
        arguments: [
            (["tollgate-pass-1=tgp_x"], []), (["a=1; tollgate-pass-1=tgp_x"], ["a=1"]),
            (["tollgate-pass-1=x;a=1;  tollgate-pass-2=;b=\"2\""], ["a=1; b=\"2\""]),
            (["a=1;b=2 ;; c"], ["a=1;b=2 ;; c"]), (["a=1", "tollgate-pass-1=x", "b=2;"], ["a=1", "b=2;"]),
            (["x-tollgate-pass-1=1", "tollgate-passage=1"], ["x-tollgate-pass-1=1", "tollgate-passage=1"]),
            (["tollgate-pass-1"], ["tollgate-pass-1"]), ([""], [""]),
        ] as [([String], [String])])
    func `of cookies ours go and others stay as they are`(values: [String], left: [String]) {
        #expect(Self.stripped("Cookie", values) == left)
    }
}
