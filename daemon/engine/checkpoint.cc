#include "engine/checkpoint.h"

#include "base/check.h"

namespace channels {

Checkpoint::Ticket Checkpoint::add(std::string seq) {
  position_ = seq;
  rows_.push_back({std::move(seq), false});
  return first_ + rows_.size() - 1;
}

void Checkpoint::settle(Ticket ticket) {
  check(ticket >= first_ && ticket < first_ + rows_.size(), "a row was settled twice");
  Row& row = rows_[static_cast<std::size_t>(ticket - first_)];
  check(!row.settled, "a row was settled twice");
  row.settled = true;
  advance();
}

void Checkpoint::read_to(std::string last_seq) {
  position_ = std::move(last_seq);
  if (rows_.empty()) seq_ = position_;
}

void Checkpoint::start_at(std::string seq) {
  first_ += rows_.size();
  rows_.clear();
  position_ = seq;
  seq_ = std::move(seq);
}

void Checkpoint::advance() {
  while (!rows_.empty() && rows_.front().settled) {
    seq_ = std::move(rows_.front().seq);
    rows_.pop_front();
    ++first_;
  }
  if (rows_.empty()) seq_ = position_;
}

}  // namespace channels
