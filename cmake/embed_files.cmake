# Builds a folder of text files into a library.
#
#   include(embed_files)
#   channels_embed(TARGET DIR SYMBOL)
#
# defines in TARGET, from every file below DIR (names that begin with a dot, or end in a tilde, are an
# editor's or a system's own and are left out):
#
#   std::span<const EmbeddedFile> SYMBOL();      // namespace channels; see daemon/base/embedded_file.h
#
# It is made again whenever a file is changed, added or removed. CMake alone does it: the build needs
# neither Python nor Node. The same file is the script that the build runs, with DIR, LIST, OUT, SYMBOL.

set(CHANNELS_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(channels_embed target dir symbol)
  file(GLOB_RECURSE paths CONFIGURE_DEPENDS RELATIVE ${dir} ${dir}/*)
  list(FILTER paths EXCLUDE REGEX "(^|/)\\.|~$")
  if(NOT paths)
    message(FATAL_ERROR "channels_embed: there is nothing in ${dir}")
  endif()
  set(files ${paths})
  list(TRANSFORM files PREPEND ${dir}/)
  set(stem ${CMAKE_CURRENT_BINARY_DIR}/embedded/${symbol})
  # The list is a dependency too: a file that goes away changes nothing else.
  file(CONFIGURE OUTPUT ${stem}.list CONTENT "${paths}" @ONLY)
  add_custom_command(
    OUTPUT ${stem}.cc
    COMMAND ${CMAKE_COMMAND} -DDIR=${dir} -DLIST=${stem}.list -DOUT=${stem}.cc -DSYMBOL=${symbol}
            -P ${CHANNELS_EMBED_SCRIPT}
    DEPENDS ${files} ${stem}.list ${CHANNELS_EMBED_SCRIPT}
    COMMENT "Embedding ${dir}"
    VERBATIM)
  target_sources(${target} PRIVATE ${stem}.cc)
  # For who reads sources, like clang-tidy, and compiles none.
  if(NOT TARGET embedded_files)
    add_custom_target(embedded_files)
  endif()
  add_custom_target(${symbol}_source DEPENDS ${stem}.cc)
  add_dependencies(embedded_files ${symbol}_source)
  # Made by one of the two: make would have both write it at once.
  add_dependencies(${target} ${symbol}_source)
endfunction()

# What ends a raw string must not be in it. A literal has no limit of length in GCC and Clang.
function(channels_embedded_literal result path)
  file(READ ${path} text)
  string(FIND "${text}" ")embedded\"" end)
  if(NOT end EQUAL -1)
    message(FATAL_ERROR "${path} holds )embedded\", which no embedded file may")
  endif()
  # CMake drops NUL bytes and carriage returns: nothing may be lost in silence.
  file(SIZE ${path} size)
  string(LENGTH "${text}" length)
  if(NOT length EQUAL size)
    message(FATAL_ERROR "${path} is no plain text: it holds NUL bytes or carriage returns")
  endif()
  set(${result} "R\"embedded(${text})embedded\"sv" PARENT_SCOPE)
endfunction()

function(channels_write_embedded)
  file(READ ${LIST} paths)
  list(LENGTH paths count)
  set(rows "")
  foreach(path IN LISTS paths)
    channels_embedded_literal(literal ${DIR}/${path})
    string(APPEND rows "    {\"${path}\"sv, ${literal}},\n")
  endforeach()
  file(WRITE ${OUT} "// Made by cmake/embed_files.cmake from ${DIR}.
#include <array>
#include <span>

#include \"base/embedded_file.h\"

namespace channels {

using namespace std::string_view_literals;

namespace {

constexpr std::array<EmbeddedFile, ${count}> files = {{
${rows}}};

}  // namespace

std::span<const EmbeddedFile> ${SYMBOL}();

std::span<const EmbeddedFile> ${SYMBOL}() {
  return files;
}

}  // namespace channels
")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  cmake_minimum_required(VERSION 3.22)
  channels_write_embedded()
endif()
