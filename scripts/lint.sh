#!/bin/sh
# Runs clang-tidy (16: Debian's default, 14, cannot parse GCC 12's headers in C++20) over the program.
# Any finding fails.
set -eu
cd "$(dirname "$0")/.."
# Without a precompiled header, which GCC made and clang cannot read; in batches, as most of the time goes
# into the headers that all files share.
cmake -S . -B build-lint -DCHANNELS_TESTS=OFF -DCHANNELS_UNITY=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
# The embedded files are sources, too; nothing else has to be built.
cmake --build build-lint --target embedded_files >/dev/null
# The commands are GCC's, with warnings that clang has not; and a batch includes .cc files.
find daemon/main.cc build-lint -name main.cc -o -name 'unity_*.cxx' | tr '\n' '\0' |
  xargs -0 -P "$(nproc)" -n 1 clang-tidy-16 -p build-lint --quiet --config-file=.clang-tidy \
    --checks=-bugprone-suspicious-include --extra-arg=-Wno-unknown-warning-option
echo "no findings"
