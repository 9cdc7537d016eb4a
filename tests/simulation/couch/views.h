// The views of one database: rows in CouchDB's order, brought up to date by the changes since the last query. Held by
// ModelDatabase, queried by ModelRequest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace channels::simulation {

class ModelDatabase;
class JavaScript;

// CouchDB's view parameters, as they come by the query or the body.
struct ViewQuery {
  // One range of keys; several for `keys`.
  struct Range {
    const json::value* start = nullptr;
    const json::value* end = nullptr;
  };
  std::vector<json::value> keys;
  bool by_keys = false;
  std::optional<json::value> start;
  std::optional<json::value> end;
  std::optional<std::string> start_id;
  std::optional<std::string> end_id;
  std::size_t limit = SIZE_MAX;
  std::size_t skip = 0;
  bool descending = false;
  bool inclusive_end = true;
  bool include_docs = false;
  bool reduce = true;
  std::size_t group_level = 0;  // SIZE_MAX: by the whole key
};

class Views {
 public:
  explicit Views(ModelDatabase& database) : database_(database) {}

  // CouchDB's answer: {"total_rows", "rows"}, or {"rows"} of a reduced one. Throws Problem.
  json::object query(const std::string& design_id, const std::string& view, const ViewQuery& query);

  // The document was purged: its rows go.
  void remove(const std::string& id);
  // The design document changed.
  void forget(const std::string& design_id);
  void forget_all() { indexes_.clear(); }

 private:
  struct Key {
    json::value key;
    std::string id;
    std::size_t number = 0;  // of the emit
  };
  struct Before {
    bool operator()(const Key& left, const Key& right) const;
  };
  struct Index {
    std::map<Key, json::value, Before> rows;
    std::map<std::string, std::vector<Key>> by_doc;
    std::uint64_t up_to = 0;
  };
  using Row = std::map<Key, json::value, Before>::const_iterator;

  Index& up_to_date(const std::string& design_id, const std::string& view, JavaScript& design);
  static void take_out(Index& index, const std::string& id);
  std::vector<Row> in_range(const Index& index, const ViewQuery& query, const ViewQuery::Range& range) const;
  std::vector<Row> found(const Index& index, const ViewQuery& query) const;
  json::object row_of(const Row& row, bool include_docs) const;

  ModelDatabase& database_;
  std::map<std::string, Index> indexes_;  // by "design id/view"
};

}  // namespace channels::simulation
