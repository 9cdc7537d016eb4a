// Handlers tried out without daemon and server.
#include <iostream>

#include "orders.h"

using namespace channels;

int main() {
  Control control;
  add_orders(control);
  const auto outcome = try_out(control, {{"_id", "a"}, {"type", "order"}, {"state", "new"}, {"items", {"apple", "pear"}}});
  const auto* save = outcome ? std::get_if<Save>(&*outcome) : nullptr;
  const bool good = save != nullptr && doc_state(save->doc) == "accepted" && int_or(save->doc, "total", 0) == 2;
  const bool no_rule = !try_out(control, {{"_id", "b"}, {"type", "other"}, {"state", "new"}});
  std::cout << (good && no_rule ? "passed\n" : "failed\n");
  return good && no_rule ? 0 : 1;
}
