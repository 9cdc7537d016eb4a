#include "workflows/wish.h"

#include "workflows/members.h"

namespace channels {

Fulfilled fulfil(Services& services, const Document& known, const std::string& cause, const WishedChange& change) {
  std::optional<Fault> fault;
  Document record = services.registry.update(known, [&](Document& current) {
    fault.reset();
    if (was_handled(current, cause)) return false;  // by a run that was cut off
    fault = change(current);
    return !fault;
  });
  return {std::move(fault), std::move(record)};
}

Outcome answer_wish(const Document& doc, const std::optional<Fault>& fault) {
  if (fault) return Save{in_error(doc, fault->error, fault->reason)};
  Document done = in_state(doc, "done");
  done.erase("error");
  return Save{std::move(done)};
}

}  // namespace channels
