// Parts a stream of bytes into lines, of bounded length. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace channels {

class Lines {
 public:
  explicit Lines(std::size_t longest) : longest_(longest) {}

  // The lines that these bytes complete, without their ends.
  std::vector<std::string> add(std::string_view bytes);
  std::size_t longest() const { return longest_; }
  // A line has grown beyond the limit: nothing further can be understood.
  bool overflown() const { return overflown_; }
  // What came behind the last line's end.
  const std::string& rest() const { return rest_; }
  void clear() {
    rest_.clear();
    overflown_ = false;
  }

 private:
  const std::size_t longest_;
  std::string rest_;
  bool overflown_ = false;
};

}  // namespace channels
