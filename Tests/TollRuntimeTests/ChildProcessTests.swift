// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import TollRuntime

@Suite struct ChildProcessTests {
    @Test func `a child holds no copy of what else is open here`() throws {
        // As libraries open things: without a word about children.
        let open = unsafe Glibc.open("/dev/null", O_RDONLY)
        defer { close(open) }
        var child = try ChildProcess("/bin/sh", ["-c", "[ -e /proc/self/fd/\(open) ] && echo held || echo free"])
        #expect(child.finish() == (0, Array("free\n".utf8)))
    }

    @Test func `a child's output and status are read, and what is written reaches it`() throws {
        var child = try ChildProcess(
            "/bin/sh", ["-c", "read word; echo \"$word $GREETED\"; exit 3"], environment: ["GREETED": "you"])
        child.writeLine("hello")
        #expect(child.readLine() == "hello you")
        #expect(child.finish().status == 3)
    }
}
