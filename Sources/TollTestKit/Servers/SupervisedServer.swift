// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization
internal import TollRuntime

/// A server in a directory of its own, which tests start, stop, kill and hold. It ends, and its directory goes, with the process
/// that started it, however that ends.
///
/// A shell stands between: it holds one end of a pipe, and when the other end closes it cleans up.
public final class SupervisedServer: Sendable {
    /// What could not be done.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// What, and the server's last words.
        public let description: String
    }

    /// The server's directory.
    public let directory: String
    private let shell: Mutex<ChildProcess>
    /// Calls block until the shell has answered; not on a thread that tests share.
    private let thread = DispatchQueue(label: "tollgate.test.server")

    /// A server that does not run yet.
    ///
    /// - Parameters:
    ///   - directory: Removed at the end.
    ///   - user: Whose the server is when we are root; some servers refuse to be root's.
    ///   - probe: A line of shell that succeeds when the server in `$directory` answers.
    ///   - command: The server, staying in the foreground.
    init(directory: String, user: String, probe: String, command: [String]) throws(ChildProcess.Failure) {
        self.directory = directory
        self.shell = Mutex(try ChildProcess("/bin/sh", ["-c", Self.script, "server", directory, user, probe] + command))
    }

    /// Starts the server, and returns when it answers.
    public func start() async throws(Failure) { try await self.tell("start") }
    /// Ends the server in order.
    public func stop() async throws(Failure) { try await self.tell("stop") }
    /// Ends the server and every process of it at once: `kill -9`.
    public func kill() async throws(Failure) { try await self.tell("kill") }
    /// Holds every process of the server: connections stay, and nothing is answered.
    public func pause() async throws(Failure) { try await self.tell("pause") }
    /// Lets a server that was held go on.
    public func resume() async throws(Failure) { try await self.tell("resume") }

    private func tell(_ word: String) async throws(Failure) {
        let answer = await withCheckedContinuation { (continuation: CheckedContinuation<String?, Never>) in
            self.thread.async {
                continuation.resume(
                    returning: self.shell.withLock { shell in
                        shell.writeLine(word)
                        return shell.readLine()
                    })
            }
        }
        guard answer == "done" else { throw Failure(description: "\(word): \(answer ?? "the supervisor is gone")") }
    }

    private static let script = #"""
        directory=$1 user=$2 probe=$3 pid=
        shift 3
        as_user() {
            if [ "$(id -u)" = 0 ]; then exec setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"; else exec "$@"; fi
        }
        start() {
            (as_user "$@" </dev/null >>"$directory/server.log" 2>&1) &
            pid=$!
            tries=0
            until eval "$probe" </dev/null >>"$directory/probe.log" 2>&1; do
                tries=$((tries + 1))
                if [ "$tries" -gt 600 ] || ! kill -0 "$pid" 2>/dev/null; then
                    echo "failed: $(tail -n 3 "$directory/server.log" | tr '\n' ' ')"
                    return
                fi
                sleep 0.05
            done
            echo done
        }
        signal() { kill -"$1" "$pid"; pkill -"$1" -P "$pid"; }
        trap '' TERM INT
        exec 2>/dev/null
        while read -r word; do
            case $word in
            start) start "$@" ;;
            stop) kill -INT "$pid"; wait "$pid"; echo done ;;
            kill) signal STOP; pkill -KILL -P "$pid"; kill -KILL "$pid"; wait "$pid"; echo done ;;
            pause) signal STOP; echo done ;;
            resume) signal CONT; echo done ;;
            esac
        done
        if [ -n "$pid" ]; then signal CONT; kill -INT "$pid"; wait "$pid"; fi
        rm -rf -- "$directory"
        """#
}
