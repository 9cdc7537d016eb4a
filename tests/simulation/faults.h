// What goes wrong between one simulated process and the server. Each process has one FaultyTransport; the run's
// schedule of faults turns its knobs.
#pragma once

#include "simulation/couch/model_transport.h"
#include "simulation/time/scheduler.h"

namespace channels::simulation {

struct Line {
  bool dead = false;          // kill -9: nothing goes out or comes in any more
  bool cut = false;           // no way to the server
  double lost_request = 0;    // chances for each request
  double lost_answer = 0;
  double late = 0;            // chance that a way takes many seconds
  double busy = 0;            // 429 or 503, sometimes with Retry-After
  double strange = 0;         // a proxy's page
  milliseconds latency{5};    // at most, each way
};

class FaultyTransport : public Transport {
 public:
  FaultyTransport(SimEnv& env, ModelCouch& couch, Line& line)
      : env_(env), couch_(couch), inner_(env, couch), line_(line) {}
  HttpResponse send(const HttpRequest& request) override;
  HttpResponse stream(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive) override;

 private:
  void travel();
  void lose(const HttpRequest& request, const std::string& what);
  std::optional<HttpResponse> unkind_answer();
  void check_line(const HttpRequest& request);

  SimEnv& env_;
  ModelCouch& couch_;
  ModelTransport inner_;
  Line& line_;
};

}  // namespace channels::simulation
