// A device once it is active: changes in its own database, while it may be offline, and replication.
#include "base/digest.h"
#include "base/errors.h"
#include "simulation/couch/replicate.h"
#include "simulation/devices/sim_device.h"

namespace channels::simulation {

void SimDevice::use() {
  if (actions_left_ > 0 && !around_.winding_down) {
    --actions_left_;
    act();
  }
  if (scheduler_.happens(0.6) || around_.winding_down) sync();
}

bool SimDevice::sync() {
  Database mine = local();
  Database control(*own_, control_);
  const ReplicationResult up = replicate(mine, control, {.since = pushed_, .design_docs = false});
  pushed_ = up.last_seq;
  forget_refused(up.refused);
  const ReplicationResult down = replicate(control, mine, {.since = pulled_, .design_docs = false});
  pulled_ = down.last_seq;
  synced_ = true;
  if (up.written + down.written > 0)
    scheduler_.trace("replicated: " + std::to_string(up.written) + " up, " + std::to_string(down.written) + " down");
  return true;
}

// Only one refusal of a replicated revision is in order: of one that takes a revocation back.
void SimDevice::forget_refused(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    const ModelDatabase* control = around_.cloud.find(control_);
    const auto there = control == nullptr ? std::nullopt : control->read(id);
    const std::string state = there ? doc_state(*there) : "";
    if (state != "revoke" && state != "revoked") scheduler_.fail("a device's revision was refused for ever: " + id);
    std::erase_if(around_.edits, [&](const Edit& edit) { return edit.database == control_ && edit.id == id; });
  }
}

void SimDevice::act() {
  if (!around_.people.empty() && scheduler_.happens(0.6)) return share();
  const auto draw = scheduler_.below(20);
  if (draw < 6) return make_channel();
  if (draw < 12) return rename_something();
  if (draw < 15) return note_on_channel();
  if (draw < 17) return choose_subscription();
  if (draw < 18) return revoke_another();
  write_into_channel();
}

std::optional<Document> SimDevice::some_local(const std::string& type, const std::string& state) {
  std::vector<Document> found;
  for (const json::object& row : local().all_docs({{"startkey", ""}, {"endkey", "~"}, {"include_docs", true}})) {
    const json::object* doc = get_object(row, "doc");
    if (doc != nullptr && doc_type(*doc) == type && (state.empty() || doc_state(*doc) == state)) found.push_back(*doc);
  }
  if (found.empty()) return std::nullopt;
  return found[scheduler_.below(found.size())];
}

void SimDevice::save_edit(Document doc, const std::string& value) {
  // What the person saw and changed is gone by his own will; what was overruled before must stay.
  Document seen = local().get(doc_id(doc)).value_or(Document{});
  seen.erase("overruled");
  const std::string text = json::serialize(seen);
  const Saved saved = local().save(doc);
  if (!saved.ok()) return;
  for (Edit& edit : around_.edits) {
    if (edit.database == control_ && edit.id == doc_id(doc) && text.find(edit.value) != text.npos)
      edit.superseded = true;
  }
  synced_ = false;
  around_.edits.push_back({control_, doc_id(doc), saved.rev, value});
  scheduler_.trace("edits " + doc_id(doc).substr(0, 8) + ": " + value);
}

void SimDevice::make_channel() {
  // Few names: two devices of a user may well want the same one.
  static const std::vector<std::string> names{"Fun Times", "Work", "Garden"};
  const Document doc{{"_id", hex(env_.random_bytes(16))},
                     {"type", "channel"},
                     {"state", "new"},
                     {"owner", owner_},
                     {"name", names[scheduler_.below(names.size())]}};
  local().save(doc);
  synced_ = false;
  scheduler_.trace("makes channel " + doc_id(doc).substr(0, 8));
}

void SimDevice::rename_something() {
  auto doc = scheduler_.happens(0.5) ? some_local("device", "active") : some_local("channel", "ready");
  if (!doc) return;
  const std::string value = "name-" + std::to_string(++around_.counter) + ".";
  (*doc)["name"] = value;
  save_edit(std::move(*doc), value);
}

void SimDevice::note_on_channel() {
  auto doc = some_local("channel");
  if (!doc) return;
  const std::string value = "note-" + std::to_string(++around_.counter) + ".";
  (*doc)["app_note"] = value;
  save_edit(std::move(*doc), value);
}

void SimDevice::choose_subscription() {
  auto doc = some_local("subscription");
  if (!doc || doc_state(*doc) == "error") return;
  (*doc)["state"] = doc_state(*doc) == "active" ? "paused" : "active";
  const std::string value = "why-" + std::to_string(++around_.counter) + ".";
  (*doc)["app_reason"] = value;
  save_edit(std::move(*doc), value);
}

void SimDevice::revoke_another() {
  auto doc = some_local("device", "active");
  if (!doc || doc_id(*doc) == id_) return;
  (*doc)["state"] = "revoke";
  if (!local().save(*doc).ok()) return;
  synced_ = false;
  sync();
  around_.revoked.insert(doc_id(*doc));
  scheduler_.trace("revokes " + doc_id(*doc).substr(0, 8));
}

// The channel is open to its owner's devices as soon as a document says so.
void SimDevice::write_into_channel() {
  const auto channel = some_local("channel", "ready");
  if (!channel) return;
  const std::string database = string_or(*channel, "database", "");
  if (string_or(*channel, "syncpoint", "") != cloud().url() + database)
    scheduler_.fail("a ready channel does not say where it is: " + json::serialize(*channel));
  cloud().request("PUT", database + "/item-" + std::to_string(++around_.counter), json::object{{"by", id_}}, {409});
}

}  // namespace channels::simulation
