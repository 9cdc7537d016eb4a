// Several databases of one server, each a FakeCouch: what workflows stand on. And a mailer for those that send nothing.
#pragma once

#include <map>
#include <string>

#include "mail/mailer.h"
#include "unit/support/fake_couch.h"

namespace channels {

// A FakeCouch for each database of the server.
class FakeDatabases : public Transport {
 public:
  HttpResponse send(const HttpRequest& request) override {
    const std::string root = "http://couch/";
    const std::size_t end = request.url.find('/', root.size());
    HttpRequest passed = request;
    passed.url = root + "registry" + request.url.substr(end);
    return databases[request.url.substr(root.size(), end - root.size())].send(passed);
  }
  HttpResponse stream(const HttpRequest&, milliseconds,
                      const std::function<bool(std::string_view)>&) override {
    throw Unavailable("FakeDatabases has no feeds");
  }

  std::map<std::string, FakeCouch> databases;
};

class NoMailer : public Mailer {
  void send(const Mail&, milliseconds, const MayFinish&) override { ADD_FAILURE() << "no mail is sent here"; }
};

}  // namespace channels
