// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollEVM
import TollPrimitives

/// How nodes answer: rates are of a thousand requests.
struct NodeWeather: Sendable {
    /// The answer is no JSON-RPC.
    var garbage = 0
    /// A call fails with an error that says nothing.
    var busy = 0
    /// The answers of a batch come in another order, or one comes twice.
    var shuffle = 0
    var calmFrom = Duration.seconds(300)
}

/// The nodes of the chain, as one process reaches them.
struct SimulatedNodes: RPCTransport {
    /// Changes a receipt on its way: how a process is blinded, for the tests of the tests.
    typealias Forgery = @Sendable (_ receipt: JSON, _ chain: SimulatedChain) -> JSON

    let chain: SimulatedChain
    let network: SimulatedNetwork
    let process: SimulatedProcess
    let weather: NodeWeather
    let dice: Dice
    let observer: Observer
    let trace: Trace
    let tally: Tally
    var forge: Forgery?
    /// The one among them that lies.
    var liar: Liar?

    func post(url: String, body: [UInt8], deadline: Duration) async throws(RPCTransportError) -> (status: Int, body: [UInt8]) {
        guard self.process.isAlive else { throw .notSent(reason: "the process is dead") }
        guard let request = try? JSON(parsing: body) else { return (400, []) }
        let node = Int(url.utf8.last ?? 0x30) - 0x30
        let requests = request.array ?? [request]
        self.noteSent(requests)
        let exchange: SimulatedNetwork.Exchange<[UInt8]> = await self.network.exchange(deadline: deadline) { reply in
            reply(self.serve(requests, isBatch: request.array != nil, node: node))
        }
        guard self.process.isAlive else { throw .noAnswer(reason: "the process is dead") }
        switch exchange {
        case .answered(let bytes): return (200, bytes)
        case .notSent: throw .notSent(reason: "connection refused")
        case .broken, .timedOut, .cancelled: throw .noAnswer(reason: "no answer")
        }
    }

    /// A transaction counts as sent when it leaves the process, wherever it gets to.
    private func noteSent(_ requests: [JSON]) {
        for request in requests where request["method"]?.string == "eth_sendRawTransaction" {
            guard let raw = request["params"]?.array?.first?.string.flatMap({ Hex.decode($0) }),
                let transaction = self.chain.decode(raw)
            else { continue }
            self.trace.note("\(self.process.name) sends \(transaction.hash.short), number \(transaction.number)")
            self.observer.noteSent(transaction, by: self.process)
        }
    }

    private func serve(_ requests: [JSON], isBatch: Bool, node: Int) -> [UInt8] {
        let now = self.process.executor.now
        let isCalm = now >= self.weather.calmFrom
        if !isCalm, self.dice.happens(perMille: self.weather.garbage) {
            self.tally.note(.rpcGarbage)
            return Array("<html>Bad Gateway</html>".utf8)
        }
        var replies = requests.map { self.reply(to: $0, node: node, at: now, isCalm: isCalm) }
        guard isBatch else { return replies[0].utf8 }
        if !isCalm, self.dice.happens(perMille: self.weather.shuffle) {
            replies.swapAt(0, replies.count - 1)
            let isDoubled = self.dice.happens(perMille: 200)
            if isDoubled { replies[0] = replies[replies.count - 1] }
            if replies.count > 1 { self.tally.note(isDoubled ? .rpcReplyDoubled : .rpcReordered) }
        }
        return JSON.array(replies).utf8
    }

    private func reply(to request: JSON, node: Int, at now: Duration, isCalm: Bool) -> JSON {
        let method = request["method"]?.string ?? ""
        var reply: JSONObject = ["jsonrpc": "2.0", "id": request["id"] ?? .null]
        var answer = self.chain.answer(method, request["params"]?.array ?? [], node: node, at: now)
        if !isCalm, self.dice.happens(perMille: self.weather.busy) {
            self.tally.note(.rpcBusy)
            answer = .error(-32005, "limit exceeded")
        }
        if case .result(let receipt) = answer, method == "eth_getTransactionReceipt", let forge {
            answer = .result(forge(receipt, self.chain))
        }
        if !isCalm, let liar, liar.node == node, case .result(let truth) = answer,
            let lie = liar.answer(method, request["params"]?.array ?? [], instead: truth, at: now)
        {
            self.tally.note(.nodeLied)
            answer = .result(lie)
        }
        switch answer {
        case .result(let result): reply["result"] = result
        case .error(let code, let message, let data):
            var error: JSONObject = ["code": .integer(code), "message": .string(message)]
            error["data"] = data.map { SimulatedChain.data($0) }
            reply["error"] = .object(error)
        }
        return .object(reply)
    }
}
