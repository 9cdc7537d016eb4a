// What an erasure has found and done so far, kept in the registry until it has come to its end, so that one that was killed is gone on
// with, and its report is whole all the same:
//
//   {"_id": "erasure-<user id>", "type": "erasure", "state": "running", "user", "address", "started", "devices": [DEVICE ID],
//    "key": the address' key, "searched": the last control database that was searched, "databases": [those to be compacted],
//    "touched": [{"database", "document", "what"}], "left_out": so many more}
//
// It goes last: of the person nothing is left in it, either. Used by erasure.cc.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "workflows/services.h"

namespace channels {

struct Touched {
  std::string database;
  std::string document;  // "" for the database itself
  std::string what;      // for people: "deleted", "purged", ...

  auto operator<=>(const Touched&) const = default;
};

class ErasureNotes {
 public:
  // Those of an earlier run, or new ones.
  ErasureNotes(Services& services, const std::string& user, const std::string& address);

  // What is about to be done; before it is, comes save().
  void plan(const std::string& database, const std::string& document, const std::string& what);
  void add_devices(const std::vector<std::string>& devices);
  void set_key(const std::string& key);
  void set_searched(const std::string& database);
  // Throws as requests do.
  void save();

  const std::set<std::string>& devices() const { return devices_; }
  const std::set<std::string>& databases() const { return databases_; }
  const std::vector<Touched>& touched() const { return touched_; }
  std::size_t left_out() const { return left_out_; }
  const std::string& key() const { return key_; }
  const std::string& searched() const { return searched_; }
  const std::string& id() const { return id_; }

 private:
  void read(const Document& record);

  Services& services_;
  const std::string id_;
  std::set<std::string> devices_;
  std::set<std::string> databases_;
  std::vector<Touched> touched_;  // in the order in which they were planned, each once
  std::set<Touched> known_;
  std::size_t left_out_ = 0;
  std::string key_;
  std::string searched_;
  bool changed_ = false;
};

}  // namespace channels
