#include "engine/trace.h"

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/utf8.h"

namespace channels {

namespace {

// Of one worker: 170,000 a day and no more than 1.2 million in a week, some 500 MB, were it never to rest.
constexpr double at_once = 5000;
constexpr double a_second = 2;
// Kept free by ordinary runs for what a person looks for first: failures and unsafe runs.
constexpr double reserved = at_once / 2;
constexpr std::size_t longest_detail = 500;
// An id may have megabytes, and a record that CouchDB refuses would hold up the checkpoints beside it.
constexpr std::size_t longest_id = 1000;
// CouchDB's own limit for one _purge ([purge] max_document_id_number).
constexpr std::size_t ids_a_purge = 100;
constexpr int most_pages = 300;

constexpr std::array<std::string_view, 6> outcomes{"saved", "kept", "later", "overtaken", "failed", "parked"};
constexpr std::array<std::string_view, 6> details{"state", "", "due", "reason", "reason", "reason"};

bool is_failure(TraceLine::Outcome outcome) {
  return outcome == TraceLine::Outcome::failed || outcome == TraceLine::Outcome::parked;
}

std::string prefix_of(const std::string& id) {
  return "trace-" + sha256_hex(id) + "-";
}

// Sorts as the times do.
std::string exact_time(WallTime time) {
  const auto ms = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count() % 1000;
  const std::string digits = std::to_string(1000 + ms);
  return format_time(time) + digits.substr(1);
}

}  // namespace

Trace::Trace(Env& env, TraceOptions options, std::string worker)
    : env_(env),
      options_(std::move(options)),
      worker_(std::move(worker)),
      allowance_(at_once),
      allowance_at_(env.mono_now()) {}

bool Trace::is_wanted(const TraceLine& line) const {
  if (options_.all || is_failure(line.outcome)) return true;
  // One that was put off has not run.
  return line.mode == Mode::unsafe && line.outcome != TraceLine::Outcome::later;
}

bool Trace::may_write(bool is_ordinary) {
  const MonoTime now = env_.mono_now();
  const std::chrono::duration<double> passed = now - std::exchange(allowance_at_, now);
  allowance_ = std::min(at_once, allowance_ + passed.count() * a_second);
  if (allowance_ < (is_ordinary ? reserved : 1)) {
    ++left_out_;
    return false;
  }
  allowance_ -= 1;
  return true;
}

void Trace::add(const TraceLine& line) {
  if (!is_wanted(line)) return;
  const std::lock_guard lock(mutex_);
  if (may_write(line.mode == Mode::safe && !is_failure(line.outcome))) lines_.push_back(record_of(line));
}

Document Trace::record_of(const TraceLine& line) {
  const WallTime now = env_.wall_now();
  const auto outcome = static_cast<std::size_t>(line.outcome);
  Document record{{"_id", prefix_of(line.id) + exact_time(now) + "-" + worker_.substr(0, 8) + "-" + std::to_string(++number_)},
                  {"type", "trace"},
                  {"database", line.database},
                  {"id", well_formed(line.id, longest_id)},
                  {"rev", line.rev},
                  {"rule", line.rule},
                  {"mode", line.mode == Mode::safe ? "safe" : "unsafe"},
                  {"attempt", line.attempt},
                  {"time", format_time(now)},
                  {"took_ms", line.took.count()},
                  {"outcome", outcomes.at(outcome)},
                  {"until", format_time(now + options_.kept(line.database))}};
  if (!line.detail.empty()) record[details.at(outcome)] = well_formed(line.detail, longest_detail);
  if (left_out_ > 0) record["left_out"] = std::exchange(left_out_, 0);
  return record;
}

std::vector<Document> Trace::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(lines_, {});
}

// What was allowed to be written is bounded, and so is this.
void Trace::put_back(std::vector<Document> lines) {
  const std::lock_guard lock(mutex_);
  lines.insert(lines.end(), std::make_move_iterator(lines_.begin()), std::make_move_iterator(lines_.end()));
  lines_ = std::move(lines);
}

std::vector<Document> traces_of(Database& registry, const std::string& id, std::size_t most) {
  const std::string prefix = prefix_of(id);
  std::vector<Document> lines;
  for (const json::object& row : registry.all_docs(
           {{"startkey", prefix + "~"}, {"endkey", prefix}, {"descending", true}, {"include_docs", true}, {"limit", most}})) {
    const json::object* doc = get_object(row, "doc");
    if (doc != nullptr && string_or(*doc, "id", "") == well_formed(id, longest_id)) lines.push_back(*doc);
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

void forget_traces(Database& registry, WallTime now) {
  for (int page = 0; page < most_pages; ++page) {
    json::object revs;
    for (const json::object& row : registry.view(
             "traces_by_end", {{"startkey", ""}, {"endkey", format_time(now)}, {"limit", ids_a_purge}}))
      revs[string_or(row, "id", "")] = json::array{json::value(string_or(row, "value", ""))};
    if (revs.empty()) return;
    registry.purge(revs);
  }
}

}  // namespace channels
