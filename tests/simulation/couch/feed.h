// A feed that waits: _changes and _db_updates, as longpoll or continuous. ModelTransport makes one for a request, asks
// it for what there is to send, and waits for as long as it says.
#pragma once

#include "simulation/couch/model_request.h"

namespace channels::simulation {

class Feed {
 public:
  // With the couch's mutex held, as step(). Throws Problem.
  Feed(ModelCouch& couch, const HttpRequest& request);

  // Whether the request is one of a waiting feed at all.
  static bool is_asked_for(const HttpRequest& request);

  struct Step {
    std::string text;  // to be sent now
    bool ended = false;
    bool broken = false;  // the server went away
    MonoTime wake;        // when to come again, if nothing changes before
  };
  Step step();

 private:
  Step end(const std::string& last_seq, std::int64_t pending);
  bool is_over() const;
  bool is_deaf();
  std::string take_rows(ModelDatabase& database, bool& ended);

  ModelCouch& couch_;
  ModelRequest request_;
  const std::uint64_t incarnation_;
  bool is_longpoll_ = false;
  bool is_updates_ = false;
  std::string database_;
  std::string uuid_;
  std::uint64_t since_ = 0;
  std::size_t limit_ = 0;
  milliseconds pause_;       // between heartbeats, or until it gives up
  bool has_heartbeat_ = false;
  bool stalled_ = false;
  bool read_once_ = false;
  MonoTime deaf_until_{};
  std::optional<std::uint64_t> heard_;  // a deaf poll looks again when the database is beyond that
  MonoTime last_sent_;
};

}  // namespace channels::simulation
