// A text file that was built into the program (cmake/embed_files.cmake): design documents, mail
// templates. Whoever uses a folder declares its function, for example
//   std::span<const EmbeddedFile> embedded_design_docs();
// which gives every file of the folder, in order of path.
#pragma once

#include <string_view>

namespace channels {

struct EmbeddedFile {
  std::string_view path;  // below the folder, with slashes: "handshake/filters/device.js"
  std::string_view text;
};

}  // namespace channels
