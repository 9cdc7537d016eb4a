// The transport of one process to a ModelCouch. Waits by the Env's signals, so it works on virtual time and on real
// time alike; honors the request's time limit, its stop and a stream's `silence`.
#pragma once

#include "simulation/couch/model_couch.h"

namespace channels::simulation {

class Feed;

class ModelTransport : public Transport {
 public:
  ModelTransport(Env& env, ModelCouch& couch) : env_(env), couch_(couch) {}

  HttpResponse send(const HttpRequest& request) override;
  HttpResponse stream(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive) override;

 private:
  HttpResponse follow(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive);
  void check_connection() const;
  void answer_late(const HttpRequest& request, MonoTime deadline);

  Env& env_;
  ModelCouch& couch_;
};

}  // namespace channels::simulation
