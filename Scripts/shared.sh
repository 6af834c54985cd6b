# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# Sourced by the scripts beside it: where things are, how to say what is going on.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
logs=.build/logs

# What every build here is held to; the same flags everywhere, or SwiftPM builds everything again.
swift_flags=(-Xswiftc -warnings-as-errors --explicit-target-dependency-import-check error)
# What is measured, tried against others and packed is the same program: Swift's library is linked in, so that it asks for nothing but
# Debian's own libraries, and calls of it take no detour.
release_flags=(-c release --static-swift-stdlib -Xlinker -z -Xlinker now "${swift_flags[@]}")

# Equal runs need equal hashes, or a simulated world would be another one each time.
export SWIFT_DETERMINISTIC_HASHING=1

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# quietly NAME COMMAND…  One line when it is done; all that it printed when it fails.
quietly() {
    local name="$1" log started=$SECONDS status=0
    shift
    mkdir -p "$logs"
    log="$logs/${name// /-}.log"
    "$@" >"$log" 2>&1 || status=$?
    if ((status != 0)); then
        cat "$log" >&2
        say "failed: $name (exit $status after $((SECONDS - started)) s): $*"
        return "$status"
    fi
    say "$(printf '%-44s %4d s' "$name" $((SECONDS - started)))"
}

# run_tests NAME COMMAND…  Runs Swift Testing without its lines about what started, passed and was skipped. Its closing line stays, and
# so does everything else: failures, crashes, what tests print. A run without a closing line has failed, whatever it exits with.
run_tests() {
    local name="$1" log noise status=0
    shift
    mkdir -p "$logs"
    log="$logs/${name// /-}.log"
    "$@" >"$log" 2>&1 || status=$?
    noise='^\S (Test|Suite|Test run|Test case) .*(started\.|passed after [0-9.]+ seconds\.)$'
    noise+='|^\S (Test|Suite) .* skipped(: .*)?$|^\S Test run with [0-9]+ test|^\S (Testing Library Version|Target Platform): '
    noise+='|^\[[0-9]+/[0-9]+\] |^Build complete!|^Building for '
    # An argument with line breaks makes a line of several; the last of them tells what it was about.
    awk -v end=' (started\\.|passed after [0-9.]+ seconds\\.)$' \
        '/^(◇|✔) Test case passing / && $0 !~ end { inside = 1 } !inside { print } $0 ~ end { inside = 0 }' "$log" |
        grep -vE "$noise" >&2 || true
    grep -E '^\S Test run with [0-9]+ tests? ' "$log" >&2 ||
        { say "failed: $name has no closing line (exit $status)"; return 1; }
    return "$status"
}
