#!/bin/sh
# doxygen_filter.sh FILE: the header with its comments in Doxygen's form. Ours are plain, since they are for who reads the code.
# The first comment is the file's; one behind a declaration is of what stands before it.
awk '
  NR == 1 && /^\/\/ / { print "/// \\file"; in_head = 1 }
  in_head && !/^\/\// { in_head = 0 }
  /\/\// { gsub(/\\/, "\\\\\\\\") }
  /^[ ]*\/\// { sub(/\/\//, "///"); print; next }
  /[;,{}][ ]+\/\/ / { sub(/\/\/ /, "///< "); print; next }
  /[a-zA-Z_]   *\/\/ / { sub(/\/\/ /, "///< "); print; next }
  { print }
' "$1"
