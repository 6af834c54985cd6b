// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollRuntime

/// What the demo tells on the way.
enum DemoPrinter {
    static func say(_ text: String) { StandardStreams.writeOutput(text + "\n") }

    static func heading(_ text: String) { self.say("\n" + Terminal.output.styled(text, .bold)) }

    static func indented(_ text: String) { self.say(text.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")) }
}
