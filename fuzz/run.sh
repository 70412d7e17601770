#!/usr/bin/env bash
# Fuzzes the compiled codec for a number of seconds (default 60): coverage-guided, with address and undefined-behaviour
# sanitizers, against the Python twin, llhttp and h11. Inputs that found something new stay in fuzz-corpus/; one that
# fails is written to fuzz-corpus/crash-* and can be given as second argument to run it again.
# Needs clang with its runtime library and Python's headers (Debian: clang libclang-rt-14-dev python3-dev python3-venv).
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check Cython httptools h11
mkdir -p "$work/lib" fuzz-corpus/inputs
cp -r src/gateline "$work/lib/"
cp tests/wire_agreement.py fuzz/target.py "$work/lib/"
find "$work/lib" -name '*.so' -delete

wire=$work/lib/gateline/engine/wire
sanitizers=address,undefined
"$work/venv/bin/cython" -3 "$wire/_codec.pyx" -o "$work/_codec.c"
clang -shared -fPIC -O1 -g -fsanitize=$sanitizers,fuzzer-no-link -fno-sanitize-recover=undefined \
    $(python3-config --includes) "$work/_codec.c" -o "$wire/_codec.so"
clang -O1 -g -rdynamic -fsanitize=$sanitizers,fuzzer $(python3-config --includes) fuzz/harness.c \
    $(python3-config --embed --ldflags) -o "$work/fuzz"

packages=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
export PYTHONPATH=$work/lib:$packages PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
if [ $# -gt 1 ]; then
    "$work/fuzz" "$2"
else
    "$work/fuzz" -max_total_time="${1:-60}" -dict=fuzz/http.dict -max_len=2048 -timeout=10 -rss_limit_mb=2048 \
        -use_value_profile=0 -print_final_stats=1 -artifact_prefix=fuzz-corpus/ fuzz-corpus/inputs fuzz/seeds
fi
