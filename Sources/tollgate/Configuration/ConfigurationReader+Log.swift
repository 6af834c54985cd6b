// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollRuntime

/// What is logged, and how.
extension ConfigurationReader {
    mutating func log(_ value: ConfigurationValue?) -> Configuration.Log {
        var log = Configuration.Log()
        guard let mapping = value?.mapping(keys: ["format", "level", "access"], &self.findings) else { return log }
        let formats = Logger.Format.allCases.map(\.rawValue)
        log.format = mapping["format"]?.choice(of: formats, &self.findings).flatMap(Logger.Format.init) ?? log.format
        let levels = Logger.Level.allCases.map(\.rawValue)
        log.level = mapping["level"]?.choice(of: levels, &self.findings).flatMap(Logger.Level.init) ?? log.level
        let kinds = Configuration.Log.Access.allCases.map(\.rawValue)
        log.access = mapping["access"]?.choice(of: kinds, &self.findings).flatMap(Configuration.Log.Access.init) ?? log.access
        return log
    }
}
