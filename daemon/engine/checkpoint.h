// The seq of one database below which every row is settled (invariant 1). Pure bookkeeping: rows
// are added in the feed's order, settled in any order, and seq() moves only over what is settled
// without a gap. seqs are opaque: the order is that of arrival, never a comparison.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace channels {

class Checkpoint {
 public:
  // Stands for one row until it is settled.
  using Ticket = std::uint64_t;

  explicit Checkpoint(std::string seq) : seq_(std::move(seq)), position_(seq_) {}

  // A row was read; `seq` is the row's.
  Ticket add(std::string seq);
  // Nothing is left to do for the row. Each ticket is settled once.
  void settle(Ticket ticket);
  // The batch ended at last_seq, which may lie beyond its last row (rows that a filter left out,
  // or a seq of the whole batch).
  void read_to(std::string last_seq);
  // The feed is read anew from there, and is another one: what was added before counts no longer, and its tickets
  // are settled by nobody. (Else settling an old row would move seq() to a place that lies ahead in the new feed.)
  void start_at(std::string seq);

  // Where the next read starts.
  const std::string& position() const { return position_; }
  // What may be saved.
  const std::string& seq() const { return seq_; }
  bool all_settled() const { return rows_.empty(); }
  std::size_t unsettled() const { return rows_.size(); }

 private:
  struct Row {
    std::string seq;
    bool settled = false;
  };

  void advance();

  std::string seq_;
  std::string position_;
  std::deque<Row> rows_;
  Ticket first_ = 0;  // the ticket of rows_.front()
};

}  // namespace channels
