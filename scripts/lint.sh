#!/bin/sh
# Runs clang-tidy (16: Debian's default, 14, cannot parse GCC 12's headers in C++20) over the program.
# Any finding fails.
set -eu
cd "$(dirname "$0")/.."
# Without a precompiled header, which GCC made and clang cannot read.
cmake -S . -B build-lint -DCHANNELS_TESTS=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
# The embedded files are sources, too.
cmake --build build-lint --target channels_mail channels_provision >/dev/null
find daemon -name '*.cc' -print0 | xargs -0 -P "$(nproc)" -n 4 clang-tidy-16 -p build-lint --quiet
echo "no findings"
