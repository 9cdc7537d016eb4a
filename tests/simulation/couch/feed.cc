#include "simulation/couch/feed.h"

#include <algorithm>

namespace channels::simulation {

namespace {

constexpr milliseconds longest_pause{60000};  // [chttpd] changes_timeout
constexpr std::uint64_t longest_deafness_ms = 50;

}  // namespace

bool Feed::is_asked_for(const HttpRequest& request) {
  const std::size_t query = request.url.find('?');
  if (query == std::string::npos) return false;
  const std::string_view path = std::string_view(request.url).substr(0, query);
  return (path.ends_with("/_changes") || path.ends_with("/_db_updates")) &&
         (request.url.find("feed=longpoll", query) != std::string::npos ||
          request.url.find("feed=continuous", query) != std::string::npos ||
          request.url.find("feed=live", query) != std::string::npos);
}

Feed::Feed(ModelCouch& couch, const HttpRequest& request)
    : couch_(couch), request_(couch, request), incarnation_(couch.incarnation_), last_sent_(couch.env_.mono_now()) {
  if (couch.weather.maintenance) throw Problem{503, "nodedown", "progress not possible"};
  request_.authorize();
  request_.parse_body();
  is_longpoll_ = request_.feed() == "longpoll";
  is_updates_ = request_.is_updates();
  ModelDatabase& database = request_.feed_database();
  database_ = database.name();
  uuid_ = database.uuid();
  since_ = request_.since(database);
  limit_ = request_.limit();
  const auto heartbeat = request_.heartbeat();
  has_heartbeat_ = heartbeat.has_value();
  pause_ = std::min(longest_pause, heartbeat ? *heartbeat : milliseconds(request_.whole_number("timeout").value_or(60000)));
}

bool Feed::is_over() const {
  const ModelDatabase* database = couch_.find(database_);
  return database == nullptr || database->uuid() != uuid_ || couch_.weather.maintenance;
}

// What 3.5.0 does at times: a long-poll reads first and begins to listen afterwards.
bool Feed::is_deaf() {
  const MonoTime now = couch_.env_.mono_now();
  if (now < deaf_until_) return true;
  const std::uint64_t seq = couch_.find(database_)->seq();
  if (deaf_until_ != MonoTime{} && !heard_) heard_ = seq;
  return heard_ && seq <= *heard_;
}

Feed::Step Feed::end(const std::string& last_seq, std::int64_t pending) {
  Step step;
  step.ended = true;
  json::object row{{"last_seq", last_seq}};
  if (!is_updates_) row["pending"] = pending;
  step.text = is_longpoll_ ? "],\n" + json::serialize(row).substr(1) + "\n" : json::serialize(row) + "\n";
  return step;
}

std::string Feed::take_rows(ModelDatabase& database, bool& ended) {
  const ChangesPage page = request_.changes_page(database, since_, limit_);
  std::string text;
  for (const ChangesPage::Row& row : page.rows) {
    if (is_longpoll_ && !text.empty()) text += ",\n";
    text += json::serialize(row.shown);
    if (!is_longpoll_) text += "\n";
  }
  const bool sent = !page.rows.empty();
  since_ = page.last;
  limit_ -= page.rows.size();
  ended = (is_longpoll_ && sent) || limit_ == 0;
  if (ended) text += end(page.last_seq, page.pending).text;
  return text;
}

Feed::Step Feed::step() {
  const MonoTime now = couch_.env_.mono_now();
  couch_.write_hints();
  Step step;
  if (couch_.incarnation_ != incarnation_) {
    step.broken = true;
    return step;
  }
  const std::string opening = is_longpoll_ && !read_once_ ? "{\"results\":[\n" : "";
  if (is_over()) {
    step = end(request_.text("since", "0"), 0);
    step.text = opening + step.text;
    return step;
  }
  ModelDatabase& database = *couch_.find(database_);
  if (!stalled_ && !is_deaf()) step.text = take_rows(database, step.ended);
  const bool has_news = !step.text.empty();
  if (is_longpoll_ && !read_once_ && !has_news && couch_.happens(couch_.weather.deaf_poll))
    deaf_until_ = now + milliseconds(1 + static_cast<long>(couch_.below(longest_deafness_ms)));
  step.text = opening + step.text;
  read_once_ = true;
  if (!is_longpoll_ && !stalled_ && has_news) stalled_ = couch_.happens(couch_.weather.stalled_feed);
  if (step.ended) return step;
  if (!has_news && now - last_sent_ >= pause_) {
    if (!has_heartbeat_) {
      Step last = end(database.seq_text(since_), 0);
      last.text = step.text + last.text;
      return last;
    }
    if (!stalled_) step.text += "\n";
    last_sent_ = now;
  }
  if (has_news) last_sent_ = now;
  step.wake = last_sent_ + pause_;
  if (now < deaf_until_) step.wake = std::min(step.wake, deaf_until_);
  if (is_updates_) step.wake = std::min(step.wake, couch_.hints_due());
  return step;
}

}  // namespace channels::simulation
