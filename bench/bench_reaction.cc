// How long an idle system takes from a document written to its state changed, by the engine and by a bare client, in one
// process on one clock, sample by sample in turns. For node bench/main.mjs; prints one line of JSON:
// {"ours": [ms...], "bare": [ms...]}.
//
//   bench_reaction hot REGISTRY OURS BARE SAMPLES        the two databases are in use: the engine's hot set against a
//                                                        long-poll with the document in it, and a PUT
//   bench_reaction sleeping REGISTRY OURS BARE SAMPLES   OURS and BARE are prefixes, followed by 0 to SAMPLES - 1: the
//                                                        engine against a _db_updates feed, a read and a PUT
//
// A sample's time runs from before the writer's PUT to the answer of the request that saved the next state.
#include <deque>
#include <iostream>
#include <random>
#include <thread>

#include "engine/engine.h"
#include "meter.h"
#include "provision/databases.h"
#include "provision/design_docs.h"

namespace channels {
namespace {

constexpr milliseconds longest_reaction = seconds(30);

// The moment of the one save that is waited for.
class Finish {
 public:
  void arm() {
    const std::lock_guard lock(mutex_);
    at_.reset();
  }

  void reached() {
    const MonoTime now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (!at_) at_ = now;
    changed_.notify_all();
  }

  MonoTime wait() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, longest_reaction, [this] { return at_.has_value(); }))
      throw std::runtime_error("no reaction within 30 s");
    return *at_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<MonoTime> at_;
};

bool is_trigger(const Document& doc) {
  return doc_type(doc) == measured_type && doc_state(doc) == state_before;
}

// The bare client, in its two forms. Each answers with what the engine's rule would.
class Bare {
 public:
  Bare(Server& server, Finish& finish) : server_(server), finish_(finish) {}

  void answer(const std::string& database, Document doc) {
    const std::string path = url_encode(database) + "/" + doc_path(doc_id(doc));
    server_.request("PUT", path, in_state(std::move(doc), state_after));
    finish_.reached();
  }

  void follow_by_long_poll(const std::string& database, const std::stop_token& stop) {
    Database followed(server_, database);
    Database::ChangesQuery query;
    query.since = followed.update_seq();
    query.long_poll = seconds(50);
    query.stop = stop;
    while (!stop.stop_requested()) {
      Changes changes = followed.changes(query);
      query.since = changes.last_seq;
      for (Change& row : changes.rows) {
        if (is_trigger(row.doc)) answer(database, std::move(row.doc));
      }
    }
  }

  void follow_by_updates(const std::string& prefix, const std::stop_token& stop) {
    // The stream has this thread's connection, so the work is done on another one, as in any client.
    const std::jthread worker([this](const std::stop_token& over) { work(over); });
    server_.stream_lines("_db_updates?feed=continuous&heartbeat=5000&since=now", seconds(15), stop,
                         [&](std::string_view line) {
                           take_line(prefix, line);
                           return !stop.stop_requested();
                         });
  }

 private:
  void take_line(const std::string& prefix, std::string_view line) {
    if (line.empty()) return;
    const auto parsed = parse_json(line);
    const std::string name = parsed && parsed->is_object() ? string_or(parsed->get_object(), "db_name", "") : "";
    if (!name.starts_with(prefix)) return;
    const std::lock_guard lock(mutex_);
    names_.push_back(name);
    changed_.notify_all();
  }

  void work(const std::stop_token& over) {
    while (true) {
      std::string name;
      {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, over, [this] { return !names_.empty(); })) return;
        name = names_.front();
        names_.pop_front();
      }
      Changes changes = Database(server_, name).changes({});
      for (Change& row : changes.rows) {
        if (is_trigger(row.doc)) answer(name, std::move(row.doc));
      }
    }
  }

  Server& server_;
  Finish& finish_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> names_;
};

class Reaction {
 public:
  Reaction(std::string registry, std::string ours, std::string bare, bool hot)
      : ours_(std::move(ours)),
        bare_(std::move(bare)),
        hot_(hot),
        transport_(registry),
        credentials_(required_variable("COUCHDB_USER"), required_variable("COUCHDB_PASSWORD")),
        server_(transport_, credentials_, required_variable("COUCHDB_URL")),
        bare_server_(plain_, credentials_, server_.url()),
        bare_client_(bare_server_, finish_) {
    rules_.on(Kind::followed).safe(measured_type, state_before, [](Run&, const Document& doc) -> Outcome {
      return Save{in_state(doc, state_after)};
    });
    transport_.on_saved = [this](const std::string&) { finish_.reached(); };
    Database records(server_, registry);
    ensure_database(records, 1);
    ensure_design_doc(records, "registry");
    EngineOptions options;
    options.registry_db = registry;
    const KindOf kind_of = [this](std::string_view name) -> std::optional<Kind> {
      return name.starts_with(ours_) ? std::optional(Kind::followed) : std::nullopt;
    };
    engine_ = std::make_unique<Engine>(env_, log_, server_, rules_, kind_of, options);
    bare_thread_ = std::jthread([this](const std::stop_token& stop) { follow(stop); });
  }

  json::object measure(int samples) {
    json::array ours;
    json::array bare;
    if (hot_) {
      sample(ours_, "warm");
      sample(bare_, "warm");
      std::this_thread::sleep_for(seconds(5));  // no longer deaf
    } else {
      transport_.wait_for_quiet(seconds(8), seconds(120));  // asleep, and the databases' own making is old news
    }
    for (int i = 0; i < samples; ++i) {
      const std::string number = std::to_string(i);
      ours.push_back(json::value(sample(hot_ ? ours_ : ours_ + number, number)));
      bare.push_back(json::value(sample(hot_ ? bare_ : bare_ + number, number)));
    }
    return {{"ours", std::move(ours)}, {"bare", std::move(bare)}};
  }

 private:
  void follow(const std::stop_token& stop) {
    try {
      if (hot_) {
        bare_client_.follow_by_long_poll(bare_, stop);
      } else {
        bare_client_.follow_by_updates(bare_, stop);
      }
    } catch (const std::exception& ended) {
      if (!stop.stop_requested()) std::cerr << "the bare client: " << ended.what() << "\n";
    }
  }

  double sample(const std::string& database, const std::string& id) {
    // Long enough that all is quiet again, and never in step with anything.
    std::this_thread::sleep_for(milliseconds(150 + std::uniform_int_distribution<int>(0, 100)(random_)));
    finish_.arm();
    const MonoTime began = std::chrono::steady_clock::now();
    bare_server_.request("PUT", url_encode(database) + "/" + id,
                         json::object{{"type", measured_type}, {"state", state_before}, {"text", "of a few words"}});
    return 1000 * seconds_between(began, finish_.wait());
  }

  const std::string ours_;
  const std::string bare_;
  const bool hot_;
  RealEnv env_;
  StderrLog log_{Level::error};
  CountingTransport transport_;
  CurlTransport plain_;
  BasicCredentials credentials_;
  Server server_;
  Server bare_server_;
  Finish finish_;
  Bare bare_client_;
  Rules rules_;
  std::mt19937 random_{1};
  std::unique_ptr<Engine> engine_;
  std::jthread bare_thread_;
};

}  // namespace
}  // namespace channels

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    channels::Reaction reaction(words.at(1), words.at(2), words.at(3), words.at(0) == "hot");
    channels::tell(reaction.measure(std::stoi(words.at(4))));
  } catch (const std::exception& trouble) {
    std::cerr << "bench_reaction: " << trouble.what() << "\n";
    return 1;
  }
  return 0;
}
