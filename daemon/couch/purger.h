// Collects revisions that are to go for good, and sends them in as few requests as CouchDB's limits
// for one _purge allow.
#pragma once

#include <string>

#include "couch/database.h"

namespace channels {

class Purger {
 public:
  // CouchDB's own limits ([purge] max_document_id_number, max_revisions_number).
  static constexpr std::size_t ids_a_purge = 100;
  static constexpr std::size_t revs_a_purge = 1000;

  explicit Purger(Database& database) : database_(database) {}

  // A document goes whole only if each of its leaves is named: if one stayed, it would become the
  // winner.
  void add(const std::string& id, const std::string& rev);
  // What is collected and not sent yet.
  void send();

 private:
  Database& database_;
  json::object ids_;
  std::size_t revs_ = 0;
};

// While it is there, CouchDB keeps the id of the last purge alone, and not of the last thousand: a compaction drops the others. For ids that say
// something about a person. Nothing happens where CouchDB knows no such limit.
class ShortPurgeList {
 public:
  explicit ShortPurgeList(const Database& database);
  ~ShortPurgeList();
  ShortPurgeList(const ShortPurgeList&) = delete;
  ShortPurgeList& operator=(const ShortPurgeList&) = delete;

  // Purges ids of nothing, so that these are the last ones. Each shard of the database has a list of its own, and keeps its own last.
  void push_out();

 private:
  Database database_;
  int usual_ = 0;  // 0: not known
};

}  // namespace channels
