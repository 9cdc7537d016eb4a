#include "device_role/carrier.h"

#include "base/errors.h"
#include "device_role/cloud.h"
#include "device_role/pairing.h"

namespace channels {

namespace {

// A person waits for the code meanwhile.
constexpr seconds look_again{3};
constexpr seconds while_unpaired{30};
constexpr seconds when_busy{60};
// Anyone who reaches this machine can leave documents here: more than that would make it a hammer
// on the cloud.
constexpr int most_a_minute = 120;

Later in(Run& run, seconds time) {
  return {run.env.wall_now() + time};
}

// What is carried is what the cloud's validation takes: the first revision of a document by its
// maker.
Document as_carried(Document doc) {
  for (const char* key : {"_attachments", "_conflicts"}) doc.erase(key);
  return doc;
}

}  // namespace

bool Carrier::may_ask_now() {
  const MonoTime now = services_.env.mono_now();
  const std::lock_guard lock(mutex_);
  if (now - minute_begins_ >= seconds(60)) {
    minute_begins_ = now;
    asked_this_minute_ = 0;
  }
  return ++asked_this_minute_ <= most_a_minute;
}

Outcome Carrier::carry(Run& run, const Document& doc) {
  const auto pairing = load_pairing(services_);
  if (!pairing) return in(run, while_unpaired);
  if (!may_ask_now()) return in(run, when_busy);
  const std::string id = doc_id(doc);
  try {
    Cloud cloud(services_.transport, *pairing);
    auto there = cloud.read_handshake(id);
    if (!there) {
      const auto revision = read_revision(services_.server, run.database.name(), id);
      if (!revision || doc_state(*revision) != "new") return Keep{};
      const auto pushed = cloud.push_handshake(as_carried(*revision));
      // Another carrier may have been faster; then the refusal is normal.
      if (pushed == Cloud::Pushed::refused) there = cloud.read_handshake(id);
      if (pushed == Cloud::Pushed::refused && !there)
        return Save{in_error(doc, "refused", "The cloud does not take this registration.")};
      run.log.info("carried the registration " + id + " to " + string_or(*pairing, "cloud", ""));
    }
    if (there && doc_state(*there) != "new")
      put_revision(services_.server, run.database.name(), *there);
    return in(run, look_again);
  } catch (const Unavailable&) {
    return in(run, while_offline);
  }
}

Outcome Carrier::bring_answer(Run& run, const Document& doc) {
  const auto pairing = load_pairing(services_);
  if (!pairing) return in(run, while_unpaired);
  if (!may_ask_now()) return in(run, when_busy);
  try {
    Cloud cloud(services_.transport, *pairing);
    const auto there = cloud.read_handshake(doc_id(doc));
    // Answered before, and gone: the cloud forgets what nobody confirmed in time.
    if (!there)
      return Save{
          {{"_id", doc_id(doc)}, {"_rev", doc_rev(doc)}, {"type", "device"}, {"state", "expired"}}};
    if (doc_state(*there) != doc_state(doc)) {
      put_revision(services_.server, run.database.name(), *there);
      return Keep{};
    }
    return in(run, look_again);
  } catch (const Unavailable&) {
    return in(run, while_offline);
  }
}

}  // namespace channels
