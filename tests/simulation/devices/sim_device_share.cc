// A device once it is active, as far as other people are concerned: invitations and their answers, links, changes of members,
// and a look into databases that may be nobody's business.
#include "base/digest.h"
#include "base/errors.h"
#include "simulation/devices/names.h"
#include "simulation/devices/sim_device.h"
#include "workflows/channel_claims.h"
#include "workflows/groups.h"
#include "workflows/members.h"

namespace channels::simulation {

void SimDevice::share() {
  if (!some_local("channel")) return make_channel();
  if (some_local("invitation", "received") && scheduler_.happens(0.5)) return answer_invitation();
  const auto draw = scheduler_.below(24);
  if (draw < 8) return invite_somebody();
  if (draw < 10) return answer_invitation();
  if (draw < 12) return change_a_member();
  if (draw < 14) return scheduler_.happens(0.4) ? make_group() : give_to_group();
  if (draw < 16) return make_link();
  if (draw < 18) return join_by_link();
  if (draw < 20) return scheduler_.happens(0.5) ? call_himself() : show_members();
  if (draw < 22) return end_a_channel();
  look_into_a_channel();
}

void SimDevice::save_wish(const Document& doc) {
  if (!local().save(doc).ok()) return;
  synced_ = false;
  scheduler_.trace("wishes " + json::serialize(doc));
}

std::string SimDevice::some_access() {
  static const std::vector<std::string> all{"owner", "writer", "reader"};
  return all[scheduler_.below(all.size())];
}

// A channel, or a group. Now and then one that the cloud doesn't know yet: the wish travels with it.
std::optional<Document> SimDevice::something_shared() {
  const bool is_new = scheduler_.happens(0.2);
  auto group = some_local("group", is_new ? "new" : "ready");
  if (group && scheduler_.happens(0.4)) return group;
  if (auto channel = some_local("channel", is_new ? "new" : "ready")) return channel;
  return some_local("channel", "ready");
}

// Without a name now and then: he is nobody again.
void SimDevice::call_himself() {
  static const std::vector<std::string> names{"", "Al", "Bo", "Cy"};
  const auto known = local().get("profile");
  Document profile = known.value_or(Document{{"_id", "profile"}, {"type", "profile"}, {"state", "new"}});
  profile["name"] = names[scheduler_.below(names.size())];
  save_wish(profile);
}

void SimDevice::end_a_channel() {
  auto channel = some_local("channel");
  if (!channel) return;
  const std::string state = doc_state(*channel);
  if (state == "archived") (*channel)["state"] = scheduler_.happens(0.7) ? "reopen" : "delete";
  else if (state == "ready") (*channel)["state"] = scheduler_.happens(0.5) ? "archive" : "delete";
  else return;
  save_wish(*channel);
}

void SimDevice::show_members() {
  static const std::vector<std::string> choices{"nothing", "names", "addresses"};
  const auto channel = something_shared();
  if (!channel) return;
  save_wish({{"_id", "member-" + hex(env_.random_bytes(8))},
             {"type", "member"},
             {"state", "show"},
             {"channel", doc_id(*channel)},
             {"shows", choices[scheduler_.below(choices.size())]}});
}

void SimDevice::make_group() {
  save_wish({{"_id", hex(env_.random_bytes(16))}, {"type", "group"}, {"state", "new"}, {"name", "Team"}});
}

void SimDevice::give_to_group() {
  const char* state = scheduler_.happens(0.3) ? "new" : "ready";
  const auto channel = some_local("channel", state);
  const auto group = some_local("group", state);
  if (!channel || !group) return;
  save_wish({{"_id", "member-" + hex(env_.random_bytes(8))},
             {"type", "member"},
             {"state", scheduler_.happens(0.8) ? "change" : "remove"},
             {"channel", doc_id(*channel)},
             {"group", doc_id(*group)},
             {"access", scheduler_.happens(0.5) ? "writer" : "reader"}});
}

void SimDevice::invite_somebody() {
  const auto channel = something_shared();
  if (!channel) return;
  std::string to = around_.people[scheduler_.below(around_.people.size())];
  // Now and then he invites himself.
  while (to == owner_ && scheduler_.happens(0.9)) to = around_.people[scheduler_.below(around_.people.size())];
  save_wish({{"_id", "to-" + hex(env_.random_bytes(8))},
             {"type", "invitation"},
             {"state", "new"},
             {"channel", doc_id(*channel)},
             {"to", to},
             {"access", some_access()}});
}

void SimDevice::answer_invitation() {
  if (auto received = some_local("invitation", "received")) {
    (*received)["state"] = scheduler_.happens(0.8) ? "accept" : "decline";
    return save_wish(*received);
  }
  auto sent = some_local("invitation", "sent");
  if (!sent || scheduler_.happens(0.7)) return;
  (*sent)["state"] = "withdraw";
  save_wish(*sent);
}

void SimDevice::change_a_member() {
  static const std::vector<std::string> wishes{"change", "remove", "hand over", "leave"};
  const auto channel = something_shared();
  if (!channel) return;
  const json::array* members = get_array(*channel, "members");
  if (members == nullptr || members->empty()) return;
  const json::object& member = members->at(scheduler_.below(members->size())).as_object();
  save_wish({{"_id", "member-" + hex(env_.random_bytes(8))},
             {"type", "member"},
             {"state", wishes[scheduler_.below(wishes.size())]},
             {"channel", doc_id(*channel)},
             {"user", string_or(member, "user", "")},
             {"access", some_access()}});
}

void SimDevice::make_link() {
  const auto channel = something_shared();
  if (!channel) return;
  const std::string code = hex(env_.random_bytes(16));
  around_.links.push_back({doc_id(*channel), code});
  save_wish({{"_id", "link-" + hex(env_.random_bytes(8))},
             {"type", "link"},
             {"state", "new"},
             {"channel", doc_id(*channel)},
             {"code", code},
             {"access", scheduler_.happens(0.5) ? "writer" : "reader"},
             {"uses", 1 + static_cast<int>(scheduler_.below(2))}});
}

void SimDevice::join_by_link() {
  if (around_.links.empty()) return;
  const auto& [channel, code] = around_.links[scheduler_.below(around_.links.size())];
  save_wish({{"_id", "join-" + hex(env_.random_bytes(8))},
             {"type", "join"},
             {"state", "new"},
             {"channel", channel},
             {"code", code}});
}

// Whatever the state of things: who never was a member of it reads nothing there.
void SimDevice::look_into_a_channel() {
  std::vector<std::string> channels;
  for (const auto& [name, database] : around_.cloud.databases()) {
    if (name.starts_with("channel-")) channels.push_back(name);
  }
  if (channels.empty()) return;
  const std::string name = channels[scheduler_.below(channels.size())];
  if (cloud().request("GET", name + "/_all_docs", nullptr, {401, 403, 404}).status != 200) return;
  const std::string user = control_.substr(std::string_view("control-").size());
  const ModelDatabase& records = *around_.cloud.find(registry);
  const auto record = records.read(channel_record_id(name.substr(std::string_view("channel-").size())));
  bool was_in = record && !access_of(*record, user).empty();
  for (const std::string& group : record ? groups_of(*record) : std::vector<std::string>{}) {
    const auto its = records.read(channel_record_id(group));
    was_in = was_in || (its && !access_of(*its, user).empty());
  }
  if (!was_in)
    scheduler_.fail(process_.name + " reads " + name + ", of which its user was no member ever");
}

}  // namespace channels::simulation
