// Transport over libcurl's easy interface: one handle, with its connections, per thread that
// sends. TLS certificates are verified; redirects are not followed (CouchDB makes none on the
// paths used, and one could lead the admin's cookie elsewhere).
#pragma once

#include "http/transport.h"

namespace channels {

class CurlTransport : public Transport {
 public:
  CurlTransport();
  HttpResponse send(const HttpRequest& request) override;
  HttpResponse stream(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive) override;
};

}  // namespace channels
