// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollRuntime

@Suite struct TraceContextTests {
    private static let example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func `the specification's example is read and written back`() throws {
        let context = try #require(TraceContext(parsing: Self.example.utf8))
        #expect(context.traceText == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context.spanText == "00f067aa0ba902b7")
        #expect(context.traceparent == Self.example)
    }

    @Test func `of a later version the known part is read, and flags that are not known are dropped`() throws {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-what-the-future-will-be-like"
        #expect(TraceContext(parsing: later.utf8)?.traceparent == Self.example)
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
    ])
    func `what breaks the grammar is no trace`(value: String) {
        #expect(TraceContext(parsing: value.utf8) == nil)
    }

    @Test func `a request gets a part of its own, in its client's trace or in a new one`() throws {
        let parent = try #require(TraceContext(parsing: Self.example.utf8))
        let ids = TraceIDs(key: 7)
        let (own, other, fresh) = (ids.next(after: parent), ids.next(after: parent), ids.next(after: nil))
        #expect(own.traceText == parent.traceText && own.flags == parent.flags)
        #expect(Set([parent.spanText, own.spanText, other.spanText, fresh.spanText]).count == 4)
        #expect(fresh.traceText != parent.traceText && fresh.flags == 1)
        #expect(fresh.traceText != TraceIDs(key: 8).next(after: nil).traceText)
    }

    @Test func `lines of a request bear its id and its payment's, and those of work that it began`() async throws {
        let lines = Mutex<[String]>([])
        let log = Logger(clock: { .zero }) { line in lines.withLock { $0.append(String(line.dropFirst(33))) } }
        let context = RequestContext(try #require(TraceContext(parsing: Self.example.utf8)), continuesTrace: true)
        let background = BackgroundWork()
        let (done, continuation) = AsyncStream<Never>.makeStream()
        RequestContext.$current.withValue(context) {
            log.info("asked")
            context.note(payment: "p1")
            log.info("paid", ["amount": 1])
            log.info("named", ["payment": "p2"])
            background.start {
                log.info("later")
                continuation.finish()
            }
        }
        log.info("outside")
        let running = Task { try await background.run() }
        for await _ in done {}
        running.cancel()
        let id = "request=00f067aa0ba902b7"
        #expect(
            lines.withLock { $0 } == [
                "asked \(id)", "paid amount=1 payment=p1 \(id)", "named payment=p2 \(id)", "outside", "later payment=p1 \(id)",
            ])
    }
}
