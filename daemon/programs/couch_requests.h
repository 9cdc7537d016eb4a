// What a request would do to CouchDB, told from its method and target alone: what a read-only proxy may pass on.
// Pure; used by RecordingProxy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace channels {

// "/db/doc%2Fid?rev=1-x" in its parts.
struct RequestTarget {
  std::vector<std::string> segments;  // decoded
  std::string query;                  // as it came, without "?"

  // The query's value of that name, decoded; "" where there is none.
  std::string parameter(std::string_view name) const;
};

// Empty segments are dropped, as CouchDB does.
RequestTarget parse_target(std::string_view target);

// False for all that might change anything: what is not known to read counts as a write. CouchDB runs update functions and rewrites
// for a GET as well, so these are writes by any method.
bool is_reading(std::string_view method, const RequestTarget& target);

// The document that the path names, with _design/ and _local/ in its id; "" where it names none, or an attachment.
std::string document_of(const RequestTarget& target);

}  // namespace channels
