// How many rows to ask for at once: as many as make about a megabyte with documents of the size seen lately, so that
// a batch is large where documents are small, and memory is bounded where they are large. Pure.
#pragma once

#include <algorithm>
#include <cstddef>

namespace channels {

class BatchSize {
 public:
  std::size_t rows() const { return rows_; }

  // An answer of so many rows and bytes came.
  void took(std::size_t rows, std::size_t bytes) {
    if (rows < rows_) return;  // only a full one says how large the next may be
    const std::size_t fitting = wanted_bytes / std::max<std::size_t>(1, bytes / rows);
    // Not at once to the most: the next documents may be larger.
    rows_ = std::clamp<std::size_t>(std::min(fitting, rows_ * 4), 1, most_rows);
  }
  // A time limit, or a size beyond what is read at all.
  void was_too_much() { rows_ = std::max<std::size_t>(1, rows_ / 4); }

 private:
  static constexpr std::size_t wanted_bytes = 1 << 20;
  // More rows a request save little, and one turn would keep other databases waiting.
  static constexpr std::size_t most_rows = 1000;
  std::size_t rows_ = 50;
};

}  // namespace channels
