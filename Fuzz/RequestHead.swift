// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTP

/// What must hold for every input, besides that nothing traps: any split reads the same, and what was accepted
/// means the same to whoever reads it after it was written anew.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequestHead(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let split = input.first.map({ Int($0) % input.count }) else { return 0 }
    let whole = Reading([input[...]])
    precondition(whole == Reading([input[..<split], input[split...]]), "a split changes the reading")
    precondition(whole == Reading(input.indices.map { input[$0...$0] }), "byte by byte changes the reading")
    guard let head = whole.head else { return 0 }
    check(head)
    checkBody(head, input[whole.used...])
    return 0
}

/// What a parser made of an input.
private struct Reading: Equatable {
    var head: RequestHead?
    var refusal: RequestRefusal?
    var used = 0

    init(_ pieces: [ArraySlice<UInt8>]) {
        var parser = RequestParser()
        for piece in pieces {
            switch parser.parse(piece.span) {
            case .incomplete:
                self.used += piece.count
                continue
            case .refused(let refusal):
                self.refusal = refusal
                self.used = 0
            case .complete(let consumed):
                self.head = parser.head
                self.used += consumed
            }
            return
        }
    }

    static func == (left: Self, right: Self) -> Bool {
        left.refusal == right.refusal && left.used == right.used && left.head?.target == right.head?.target
            && left.head?.fields == right.head?.fields && left.head?.framing == right.head?.framing
    }
}

private func check(_ head: RequestHead) {
    precondition(!head.target.isEmpty && head.target.allSatisfy(ByteGrammar.isTarget), "a target with other bytes")
    precondition(head.target[0] == UInt8(ascii: "/") || (head.target == [0x2A] && head.method == .options), "no origin-form")
    precondition(head.minorVersion == 0 || head.fields.count(of: .host) == 1, "not exactly one Host")
    precondition(head.fields.count(of: .contentLength) + head.fields.count(of: .transferEncoding) <= 1, "two framings")
    for (name, value) in head.fields {
        precondition(!name.isEmpty && name.allSatisfy(ByteGrammar.isToken), "a name that is no token")
        precondition(value.allSatisfy(ByteGrammar.isValue), "a control in a value")
    }
    var fields = head.fields
    fields.removeHopByHop()
    var written: [UInt8] = []
    RequestSerializer.append(head.method, target: head.target, host: "h", fields: fields, framing: head.framing, to: &written)
    let again = Reading([written[...]])
    precondition(again.used == written.count && again.head?.target == head.target, "written anew it reads otherwise")
    precondition(again.head?.framing == head.framing && again.head?.method == head.method, "written anew it is framed otherwise")
}

/// A body decodes to the same bytes whatever room there is.
private func checkBody(_ head: RequestHead, _ bytes: ArraySlice<UInt8>) {
    func decode(room: Int) -> (body: [UInt8], isDone: Bool, failed: Bool) {
        var decoder = BodyDecoder(request: head.framing)
        var body: [UInt8] = []
        var rest = bytes
        do {
            while !rest.isEmpty, !decoder.isDone { rest = rest.dropFirst(try decoder.decode(rest.span, room: room, into: &body)) }
            return (body, decoder.isDone, false)
        } catch {
            return (body, false, true)
        }
    }
    let whole = decode(room: .max)
    let narrow = decode(room: 1)
    precondition(whole == narrow, "room changes a body")
}
