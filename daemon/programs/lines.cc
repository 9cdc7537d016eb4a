#include "programs/lines.h"

#include <utility>

namespace channels {

std::vector<std::string> Lines::add(std::string_view bytes) {
  std::vector<std::string> lines;
  for (auto end = bytes.find('\n'); end != bytes.npos && !overflown_; end = bytes.find('\n')) {
    rest_ += bytes.substr(0, end);
    overflown_ = rest_.size() > longest_;
    if (!overflown_) lines.push_back(std::exchange(rest_, {}));
    bytes.remove_prefix(end + 1);
  }
  if (!overflown_) rest_ += bytes;
  overflown_ = overflown_ || rest_.size() > longest_;
  return lines;
}

}  // namespace channels
