// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// A directory of its own for what need not outlive the process. Removed with everything in it.
public final class TemporaryDirectory: Sendable {
    /// Where it is, without a slash at the end.
    public let path: String

    /// Makes a directory whose name begins with `prefix`.
    public init(prefix: String) throws(ChildProcess.Failure) {
        let base = EnvironmentVariables.value(of: "TMPDIR") ?? "/tmp"
        var template = Array("\(base)/\(prefix)-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw ChildProcess.Failure(description: "no directory can be made in \(base)")
        }
        self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        guard var removal = try? ChildProcess("/bin/rm", ["-rf", "--", self.path]) else { return }
        _ = removal.finish()
    }
}
