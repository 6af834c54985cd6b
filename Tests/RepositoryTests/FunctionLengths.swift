// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// How long the functions, initializers, deinitializers and subscripts of a file are, from the line of their keyword to the line
/// of their last brace. Counts braces of code; a declaration without a body, in a protocol, has no length.
struct FunctionLengths {
    struct Function: Hashable {
        let firstLine: Int
        let lineCount: Int
    }

    private static let functionWords: Set<String> = ["func", "init", "deinit", "subscript"]
    private static let otherDeclarations: Set<String> = [
        "var", "let", "struct", "class", "enum", "extension", "protocol", "actor", "case", "typealias", "associatedtype",
    ]

    private var functions: [Function] = []
    /// The line where the declaration began whose body may come next.
    private var pendingLine: Int?
    private var parentheses = 0
    /// For each open brace the line where its function began; nil for braces of anything else.
    private var open: [Int?] = []

    static func measure(_ file: RepositoryFile) -> [Function] {
        var lengths = FunctionLengths()
        for (index, line) in file.code.enumerated() { lengths.read(line, number: index + 1) }
        return lengths.functions
    }

    private mutating func read(_ line: Substring, number: Int) {
        var word = ""
        var beforeWord: Character = " "
        var previous: Character = " "
        for character in line + " " {
            if character.isLetter || character.isNumber || character == "_" {
                if word.isEmpty { beforeWord = previous }
                word.append(character)
            } else {
                if !word.isEmpty, beforeWord != "." { self.read(word: word, number: number) }
                word = ""
                self.read(character, number: number)
            }
            previous = character
        }
    }

    private mutating func read(word: String, number: Int) {
        guard self.parentheses == 0 else { return }
        if Self.functionWords.contains(word) {
            self.pendingLine = number
        } else if Self.otherDeclarations.contains(word) {
            self.pendingLine = nil
        }
    }

    private mutating func read(_ character: Character, number: Int) {
        switch character {
        case "(", "[": self.parentheses += 1
        case ")", "]": self.parentheses -= 1
        case "{" where self.parentheses == 0:
            self.open.append(self.pendingLine)
            self.pendingLine = nil
        case "}" where self.parentheses == 0:
            self.pendingLine = nil
            guard let first = self.open.popLast() ?? nil else { return }
            self.functions.append(Function(firstLine: first, lineCount: number - first + 1))
        default: break
        }
    }
}
