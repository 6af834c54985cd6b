// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPrimitives

struct EVMClientTests {
    /// What is asked, word for word.
    @Test(arguments: [
        (EVMQuery<UInt64>.chainID.request, #"{"method":"eth_chainId","params":[]}"#),
        (EVMQuery<UInt64>.blockNumber.request, #"{"method":"eth_blockNumber","params":[]}"#),
        (
            EVMQuery<UInt64>.transactionCount(of: usdc).request,
            #"{"method":"eth_getTransactionCount","params":["0x036cbd53842c5426634e7929541ec2318f3dcf7e","pending"]}"#
        ),
        (
            EVMQuery<UInt64>.gasEstimate(of: CallMessage(from: payTo, to: usdc, data: [1], value: 255, gas: 21000)).request,
            #"{"method":"eth_estimateGas","params":[{"to":"0x036cbd53842c5426634e7929541ec2318f3dcf7e","data":"0x01","#
                + #""from":"0x209693bc6afc0c5328ba36faf03c514ef312287c","value":"0xff","gas":"0x5208"}]}"#
        ),
        (
            EVMQuery<UInt256>.balance(of: usdc, at: .number(16)).request,
            #"{"method":"eth_getBalance","params":["0x036cbd53842c5426634e7929541ec2318f3dcf7e","0x10"]}"#
        ),
        (EVMQuery<UInt256>.maxPriorityFeePerGas.request, #"{"method":"eth_maxPriorityFeePerGas","params":[]}"#),
        (
            EVMQuery<[UInt8]>.code(of: usdc, at: .finalized).request,
            #"{"method":"eth_getCode","params":["0x036cbd53842c5426634e7929541ec2318f3dcf7e","finalized"]}"#
        ),
        (
            EVMQuery<[UInt8]>.call(CallMessage(to: usdc, data: []), at: .pending).request,
            #"{"method":"eth_call","params":[{"to":"0x036cbd53842c5426634e7929541ec2318f3dcf7e","data":"0x"},"pending"]}"#
        ),
        (EVMQuery<Block?>.block(.latest).request, #"{"method":"eth_getBlockByNumber","params":["latest",false]}"#),
        (
            EVMQuery<FeeHistory>.feeHistory(count: 20, percentiles: [10, 50]).request,
            #"{"method":"eth_feeHistory","params":["0x14","latest",[10,50]]}"#
        ),
        (
            EVMQuery<[Log]>.logs(LogFilter(addresses: [usdc], topics: [[.zero], []], from: .number(1), to: .safe)).request,
            #"{"method":"eth_getLogs","params":[{"fromBlock":"0x1","toBlock":"safe","#
                + #""address":["0x036cbd53842c5426634e7929541ec2318f3dcf7e"],"topics":[["#
                + #""0x0000000000000000000000000000000000000000000000000000000000000000"],null]}]}"#
        ),
    ])
    func `questions are asked as the specification writes them`(request: RPCRequest, text: String) {
        let object: JSON = ["method": .string(request.method), "params": .array(request.params)]
        #expect(object.text == text)
    }

    @Test func `quantities are read`() async throws {
        #expect(try await ask(.chainID, #""0x14a34""#) == 84532)
        #expect(try await ask(.balance(of: usdc), #""0x0""#) == 0)
        #expect(try await ask(.balance(of: usdc), "\"\(UInt256.max.hexQuantity)\"") == .max)
    }

    @Test(arguments: ["null", "1", #""1""#, #""0x""#, #""0xg""#, #""0x10000000000000000""#, "[]", #""""#, #""-0x1""#])
    func `what is no quantity is unavailable`(result: String) async {
        await expectMalformed(.blockNumber, result)
    }

    @Test func `bytes are read`() async throws {
        #expect(try await ask(.code(of: usdc), #""0x""#) == [])
        #expect(try await ask(.call(CallMessage(to: usdc, data: [])), #""0x0102""#) == [1, 2])
    }

    @Test(arguments: ["null", #""0x1""#, #""0102""#, #""""#, "{}"])
    func `what are no bytes is unavailable`(result: String) async {
        await expectMalformed(.code(of: usdc), result)
    }

    @Test func `blocks are read, with a base fee or without`() async throws {
        let text = #"""
            {"number":"0x10","hash":"\#(one)","parentHash":"\#(two)","timestamp":"0x66","baseFeePerGas":"0x7","size":"0x1"}
            """#
        let block = try await ask(.block(.latest), text)
        #expect(block == Block(number: 16, hash: one, parentHash: two, timestamp: 0x66, baseFeePerGas: 7))
        let legacy = #"{"number":"0x10","hash":"\#(one)","parentHash":"\#(two)","timestamp":"0x66"}"#
        #expect(try await ask(.block(.latest), legacy)?.baseFeePerGas == nil)
        #expect(try await ask(.block(.number(1 << 40)), "null") == nil)
        await expectMalformed(.block(.latest), #"{"number":"0x10","hash":"0x01","parentHash":"\#(two)","timestamp":"0x66"}"#)
        await expectMalformed(.block(.latest), #"{"hash":"\#(one)","parentHash":"\#(two)","timestamp":"0x66"}"#)
    }

    @Test func `receipts are read`() async throws {
        let receipt = try #require(try await ask(.receipt(of: one), receiptText(status: "0x1")))
        #expect(receipt.succeeded)
        #expect(receipt.blockNumber == 5)
        #expect(receipt.to == usdc)
        #expect(receipt.effectiveGasPrice == 9)
        #expect(receipt.logs.map(\.data) == [[1]])
        #expect(receipt.logs[0].topics == [two])
        #expect(receipt.logs[0].logIndex == 3)
        #expect(try await ask(.receipt(of: one), receiptText(status: "0x0"))?.succeeded == false)
        #expect(try await ask(.receipt(of: one), "null") == nil)
    }

    @Test func `a receipt of another transaction, or without a proper status, is none`() async {
        await expectMalformed(.receipt(of: two), receiptText(status: "0x1"))
        await expectMalformed(.receipt(of: one), receiptText(status: "0x2"))
        await expectMalformed(.receipt(of: one), receiptText(status: "").replacing(#""status":"","#, with: ""))
    }

    @Test func `transactions are read, waiting or in a block`() async throws {
        func text(_ block: String) -> String {
            #"""
            {"hash":"\#(one)","from":"\#(payTo)","to":null,"nonce":"0x1","value":"0x2","input":"0x03",\#(block)}
            """#
        }
        let waiting = try #require(try await ask(.transaction(one), text(#""blockNumber":null,"blockHash":null"#)))
        #expect(waiting.blockNumber == nil)
        #expect(waiting.to == nil)
        #expect(waiting.input == [3])
        let mined = try #require(try await ask(.transaction(one), text(#""blockNumber":"0x4","blockHash":"\#(two)""#)))
        #expect(mined.blockNumber == 4)
        #expect(mined.blockHash == two)
        #expect(try await ask(.transaction(one), "null") == nil)
        await expectMalformed(.transaction(two), text(#""blockNumber":null"#))
    }

    @Test func `fee histories are read`() async throws {
        let history = try await ask(
            .feeHistory(count: 2, percentiles: [50]),
            #"{"oldestBlock":"0x1","baseFeePerGas":["0x1","0x2","0x3"],"gasUsedRatio":[0.5,0.1],"reward":[["0x5"],["0x6"]]}"#
        )
        #expect(history == FeeHistory(oldestBlock: 1, baseFeePerGas: [1, 2, 3], reward: [[5], [6]]))
        let bare = try await ask(.feeHistory(count: 1), #"{"oldestBlock":"0x1","baseFeePerGas":["0x1","0x2"],"reward":null}"#)
        #expect(bare.reward.isEmpty)
    }

    @Test func `questions of several kinds share one request`() async throws {
        let transport = ScriptedTransport([.reply(#""result":"0x05""#)])
        let client = EVMClient(transport.client())
        let (code, balance, block) = await client.ask(.code(of: usdc), .balance(of: usdc), .block(.latest))
        #expect(try code.get() == [5])
        #expect(try balance.get() == 5)
        #expect(throws: RPCError.self) { try block.get() }
        #expect(transport.posts.count == 1)
    }

    @Test func `many questions of one kind share one request`() async throws {
        let transport = ScriptedTransport([.reply(#""result":"0x05""#)])
        let answers = await EVMClient(transport.client()).ask(all: [.balance(of: usdc), .balance(of: payTo)])
        #expect(answers == [.success(5), .success(5)])
        #expect(transport.posts.count == 1)
    }
}

private let one = repeated(1)
private let two = repeated(2)

private func receiptText(status: String) -> String {
    #"""
    {"transactionHash":"\#(one)","blockNumber":"0x5","blockHash":"\#(two)","status":"\#(status)","from":"\#(payTo)",
    "to":"\#(usdc)","gasUsed":"0x8","effectiveGasPrice":"0x9","contractAddress":null,"logs":[{"address":"\#(usdc)",
    "topics":["\#(two)"],"data":"0x01","blockNumber":"0x5","transactionHash":"\#(one)","logIndex":"0x3","removed":false}]}
    """#
}

private func ask<Value>(_ query: EVMQuery<Value>, _ result: String) async throws -> Value {
    try await EVMClient(ScriptedTransport([.reply(#""result":\#(result)"#)]).client()).ask(query)
}

private func expectMalformed<Value>(_ query: EVMQuery<Value>, _ result: String) async {
    let error = await #expect(throws: RPCError.self) { try await ask(query, result) }
    #expect(error?.isUnavailable == true)
}
