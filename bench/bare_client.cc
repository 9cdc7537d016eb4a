// Clients that do a measured job with the fewest requests and nothing else: no rules, no checkpoints of each batch, no
// second look. What the engine is compared with. Over libcurl (CurlTransport) and Boost.JSON, as the engine, so
// that the language makes no difference. Prints one line of JSON: {"seconds", "cpu", "peak_rss"}.
//
//   bare_client bulk DB N BATCH WRITERS    _changes -> _bulk_docs; WRITERS 0: one after the other, else writers beside
//                                          the reader
//   bare_client puts DB N CONNECTIONS      _changes -> one PUT per document
//   bare_client databases REGISTRY N       names and seqs ("NAME SEQ") on standard input; for each one _changes and one
//                                          _bulk_docs, N at a time; checkpoints into REGISTRY, in bulk
//   bare_client channels PREFIX COUNT N    for each of COUNT: database, _security, one _bulk_docs with the bodies that
//                                          standard input has ({"security": {}, "docs": []}), N at a time
#include <deque>
#include <iostream>
#include <sstream>
#include <thread>

#include "couch/credentials.h"
#include "meter.h"

namespace channels {
namespace {

constexpr std::size_t batches_in_flight = 3;

class BareClient {
 public:
  BareClient()
      : url_(required_variable("COUCHDB_URL") + "/"),
        headers_(BasicCredentials(required_variable("COUCHDB_USER"), required_variable("COUCHDB_PASSWORD")).headers()) {
    headers_.emplace_back("Content-Type", "application/json");
  }

  std::string call(const std::string& method, const std::string& path, std::string body = {}) {
    HttpRequest request;
    request.method = method;
    request.url = url_ + path;
    request.headers = headers_;
    request.body = std::move(body);
    HttpResponse response = curl_.send(request);
    if (response.status < 200 || response.status > 299)
      throw std::runtime_error(method + " " + path + ": " + std::to_string(response.status) + " " + response.body);
    return std::move(response.body);
  }

 private:
  CurlTransport curl_;
  const std::string url_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

// What a reader hands to writers.
template <typename T>
class Queue {
 public:
  explicit Queue(std::size_t most) : most_(most) {}

  void push(T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return items_.size() < most_; });
    items_.push_back(std::move(item));
    changed_.notify_all();
  }

  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

struct Batch {
  std::vector<json::object> docs;
  std::string last_seq;
};

Batch read_batch(BareClient& client, const std::string& database, const std::string& since, long limit) {
  json::value answer = json::parse(client.call(
      "GET", database + "/_changes?include_docs=true&limit=" + std::to_string(limit) + "&since=" + url_encode(since)));
  Batch batch;
  batch.last_seq = json::value_to<std::string>(answer.at("last_seq"));
  for (json::value& row : answer.at("results").as_array()) {
    json::object& doc = row.at("doc").as_object();
    if (string_or(doc, "type", "") != measured_type || string_or(doc, "state", "") != state_before) continue;
    doc["state"] = json::string(state_after);
    batch.docs.push_back(std::move(doc));
  }
  return batch;
}

void save_batch(BareClient& client, const std::string& database, std::vector<json::object> docs) {
  json::array array;
  array.reserve(docs.size());
  for (json::object& doc : docs) array.push_back(std::move(doc));
  const std::string answer =
      client.call("POST", database + "/_bulk_docs", json::serialize(json::object{{"docs", std::move(array)}}));
  if (answer.find("\"error\"") != answer.npos) throw std::runtime_error("_bulk_docs: " + answer.substr(0, 300));
}

// Reads `count` documents batch by batch and gives each batch to `take`.
void read_all(BareClient& client, const std::string& database, long count, long limit,
              const std::function<void(std::vector<json::object>)>& take) {
  std::string since = "0";
  while (count > 0) {
    Batch batch = read_batch(client, database, since, limit);
    since = batch.last_seq;
    count -= static_cast<long>(batch.docs.size());
    take(std::move(batch.docs));
  }
}

void run_bulk(BareClient& client, const std::string& database, long count, long limit, int writers) {
  if (writers == 0) {
    read_all(client, database, count, limit,
             [&](std::vector<json::object> docs) { save_batch(client, database, std::move(docs)); });
    return;
  }
  Queue<std::vector<json::object>> queue(batches_in_flight);
  std::vector<std::jthread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      while (auto docs = queue.pop()) save_batch(client, database, std::move(*docs));
    });
  }
  read_all(client, database, count, limit, [&](std::vector<json::object> docs) { queue.push(std::move(docs)); });
  queue.close();
}

void run_puts(BareClient& client, const std::string& database, long count, int connections) {
  Queue<json::object> queue(1000);
  std::vector<std::jthread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&] {
      while (auto doc = queue.pop())
        client.call("PUT", database + "/" + string_or(*doc, "_id", ""), json::serialize(*doc));
    });
  }
  read_all(client, database, count, 500, [&](std::vector<json::object> docs) {
    for (json::object& doc : docs) queue.push(std::move(doc));
  });
  queue.close();
}

struct Place {
  std::string database;
  std::string seq;
};

class Checkpoints {
 public:
  Checkpoints(BareClient& client, std::string registry) : client_(client), registry_(std::move(registry)) {}

  void put(const std::string& database, const std::string& seq) {
    std::vector<json::object> full;
    {
      const std::lock_guard lock(mutex_);
      docs_.push_back({{"_id", "checkpoint-" + database}, {"seq", seq}});
      if (docs_.size() < 500) return;
      full.swap(docs_);
    }
    save_batch(client_, registry_, std::move(full));
  }

  void flush() {
    if (!docs_.empty()) save_batch(client_, registry_, std::move(docs_));
  }

 private:
  BareClient& client_;
  const std::string registry_;
  std::mutex mutex_;
  std::vector<json::object> docs_;
};

void run_databases(BareClient& client, const std::vector<Place>& places, const std::string& registry, int at_once) {
  Checkpoints checkpoints(client, registry);
  std::atomic<std::size_t> next = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < at_once; ++i) {
      threads.emplace_back([&] {
        for (std::size_t at; (at = next++) < places.size();) {
          Batch batch = read_batch(client, places[at].database, places[at].seq, 500);
          save_batch(client, places[at].database, std::move(batch.docs));
          checkpoints.put(places[at].database, batch.last_seq);
        }
      });
    }
  }
  checkpoints.flush();
}

void run_channels(BareClient& client, const std::string& prefix, int count, int at_once, const json::object& bodies) {
  const std::string security = json::serialize(bodies.at("security"));
  const std::string docs = json::serialize(json::object{{"docs", bodies.at("docs")}});
  std::atomic<int> next = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < at_once; ++i) {
    threads.emplace_back([&] {
      for (int at; (at = next++) < count;) {
        const std::string database = prefix + std::to_string(at);
        client.call("PUT", database + "?q=1");
        client.call("PUT", database + "/_security", security);
        client.call("POST", database + "/_bulk_docs", docs);
      }
    });
  }
}

std::vector<Place> places_from(std::istream& in) {
  std::vector<Place> places;
  for (Place place; in >> place.database >> place.seq;) places.push_back(place);
  return places;
}

int run(const std::vector<std::string>& words) {
  const auto number = [&](std::size_t at) { return std::stoi(words.at(at)); };
  const std::string& job = words.at(0);
  BareClient client;
  std::function<void()> work;
  if (job == "bulk") {
    work = [&] { run_bulk(client, words.at(1), number(2), number(3), number(4)); };
  } else if (job == "puts") {
    work = [&] { run_puts(client, words.at(1), number(2), number(3)); };
  } else if (job == "databases") {
    work = [&, places = places_from(std::cin)] { run_databases(client, places, words.at(1), number(2)); };
  } else if (job == "channels") {
    const std::string text(std::istreambuf_iterator<char>(std::cin), {});
    work = [&, bodies = json::parse(text).as_object()] {
      run_channels(client, words.at(1), number(2), number(3), bodies);
    };
  } else {
    throw std::runtime_error("no such job: " + job);
  }
  const MonoTime began = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  work();
  tell({{"seconds", seconds_between(began, std::chrono::steady_clock::now())},
        {"cpu", cpu_seconds() - cpu},
        {"peak_rss", peak_resident_kb()}});
  return 0;
}

}  // namespace
}  // namespace channels

int main(int argc, char** argv) {
  try {
    return channels::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& trouble) {
    std::cerr << "bare_client: " << trouble.what() << "\n";
    std::_Exit(1);
  }
}
