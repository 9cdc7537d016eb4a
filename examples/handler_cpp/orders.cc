#include "orders.h"

#include <iostream>

using namespace channels;

namespace {

// Safe: run twice is as good as run once.
Outcome accept(Run&, const Document& doc) {
  const json::array* items = get_array(doc, "items");
  if (items == nullptr || items->empty()) return Save{in_error(doc, "empty", "The order has no items.")};
  Document accepted = in_state(doc, "accepted");
  accepted["total"] = items->size();
  return Save{std::move(accepted)};
}

// Makes another document, with an id that follows from this one's: whoever comes second meets a conflict, and all is as it should be.
Outcome write_invoice(Run& run, const Document& doc) {
  run.database.save({{"_id", "invoice-" + doc_id(doc)}, {"type", "invoice"}, {"order", doc_id(doc)}});
  return Save{in_state(doc, "invoiced")};
}

// Unsafe: a parcel is sent once. The parcel service would drop a repeat by the key.
Outcome ship(Run& run, const Document& doc) {
  std::cout << "shipping " << doc_id(doc) << " by the key " << run.attempt_key << std::endl;  // goes to the daemon's log
  Document shipped = in_state(doc, "shipped");
  shipped["parcel"] = run.attempt_key;
  return Save{std::move(shipped)};
}

}  // namespace

void add_orders(Control& control) {
  control.safe("order", "new", accept);
  control.safe("order", "billed", write_invoice);
  control.unsafe("order", "paid", ship, {.on_lost = OnLost::retry});
}
