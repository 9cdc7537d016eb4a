// Scenario "daemons", the checkers that look on all the time: at each commit, mail and log line. Numbers are those of
// the invariants in docs/engine.md.
#include <set>

#include "base/digest.h"
#include "engine/lease.h"
#include "simulation/devices/daemons_world.h"
#include "simulation/devices/names.h"

namespace channels::simulation {

namespace {

constexpr seconds lease_time{30};

std::string record_name(const char* kind, const std::string& database, const std::string& id) {
  return kind + sha256_hex(database + "\n" + id);
}

}  // namespace

std::string due_in(Kind kind, const Document& doc) {
  const std::string what = doc_type(doc) + "/" + doc_state(doc);
  const bool due = kind == Kind::handshake ? what == "device/new" || what == "device/confirming" ||
                                                 what == "device/confirmed" || what == "confirm/clicked"
                                           : is_due_in_control(doc);
  return due ? what : "";
}

bool is_due_in_control(const Document& doc) {
  static const std::set<std::string> due{"channel/new",       "device/revoke",       "invitation/new", "invitation/accept",
                                         "invitation/decline", "invitation/withdraw", "member/change",  "member/remove",
                                         "member/hand over",   "member/leave",        "link/new",       "link/close",
                                         "join/new",           "group/new",           "member/show",    "profile/new",
                                         "channel/archive",    "channel/reopen",      "channel/delete", "channel/undelete"};
  return due.contains(doc_type(doc) + "/" + doc_state(doc));
}

void DaemonsWorld::WatchedLog::write(Level level, std::string_view text) {
  world_.look_for_secrets(text, "a log line");
  if (level == Level::debug && !world_.scheduler_.print) return;
  world_.scheduler_.trace("[" + std::string(name_of(level)) + "] " + std::string(text));
}

// Invariant 7. What is looked for: devices' secrets, passwords, the codes of all mails so far.
void DaemonsWorld::look_for_secrets(std::string_view text, const std::string& where) {
  for (const std::string& secret : around_.secrets) {
    if (text.find(secret) != text.npos) scheduler_.fail("invariant 7: a secret is in " + where);
  }
}

void DaemonsWorld::on_commit(const ModelCouch::Commit& commit) {
  if (scheduler_.print) scheduler_.trace("saved " + commit.database.substr(0, 18) + "/" + commit.id.substr(0, 30) + " " + commit.rev);
  const Document* doc = commit.doc;
  if (doc == nullptr) return;
  look_for_secrets(json::serialize(*doc), commit.database + "/" + commit.id);
  if (commit.database == registry) look_for_link_codes(*doc);
  if (commit.database == registry && commit.id.starts_with("checkpoint-")) check_checkpoint(*doc);
  if (commit.database == handshake && doc_type(*doc) == "device") check_handshake_copy(*doc);
  if (commit.database.starts_with("control-") && (doc->contains("credential") || doc->contains("device_code")))
    scheduler_.fail("invariant 7: a credential or a code is in " + commit.database + "/" + commit.id);
}

// The registry keeps a digest of each: a copy of it lets nobody in.
void DaemonsWorld::look_for_link_codes(const Document& doc) {
  const std::string text = json::serialize(doc);
  for (const auto& [channel, code] : around_.links) {
    if (text.find(code) != text.npos) scheduler_.fail("invariant 7: a link's code is in the registry: " + doc_id(doc));
  }
}

// Who is answered leaves no address and no verifier in the handshake.
void DaemonsWorld::check_handshake_copy(const Document& doc) {
  if (doc_state(doc) == "new") return;
  for (const char* key : {"owner", "credential", "name"}) {
    if (doc.contains(key)) scheduler_.fail(std::string("invariant 7: ") + key + " is left in a device that is " + doc_state(doc));
  }
}

bool DaemonsWorld::is_recorded(const std::string& database, const std::string& id) {
  const ModelDatabase& records = *cloud_.find(registry);
  return records.read(record_name("revisit-", database, id)) || records.read(record_name("failure-", database, id));
}

// Invariants 1 and 2: below a checkpoint is nothing to be done, unless the registry will bring it up again.
void DaemonsWorld::check_checkpoint(const Document& checkpoint) {
  const std::string name = string_or(checkpoint, "database", "");
  const auto kind = kind_of_database(Settings())(name);
  const ModelDatabase* database = cloud_.find(name);
  if (database == nullptr || !kind || *kind == Kind::channel) return;
  const std::uint64_t seq = database->seq_number(string_or(checkpoint, "seq", "")).value_or(0);
  for (const auto& [at, id] : database->by_seq()) {
    if (at > seq) return;
    const auto doc = database->read(id);
    const std::string due = doc ? due_in(*kind, *doc) : "";
    if (!due.empty() && !is_recorded(name, id))
      scheduler_.fail("invariant 1: the checkpoint of " + name + " passed " + due + " " + id);
  }
}

// Invariant 4, at the act itself: who sends the mail about a new device has its lease, and it has not run out. A process that was stopped in between could not know, and is what Message-IDs are for.
void DaemonsWorld::on_mail(const DeliveredMail& mail) {
  scheduler_.trace("mail to " + mail.mail.to + " " + mail.mail.message_id.substr(0, 12) + " by " + mail.sender);
  if (!mail.link.code.empty()) around_.secrets.insert(mail.link.code);
  if (!is_lower_hex(mail.link.subject, 64)) return;
  for (const auto& [number, worker] : workers_) {
    const bool was_paused = worker->paused_until + lease_time > env_.mono_now() && worker->paused_until != MonoTime{};
    if (worker->process.name == mail.sender && was_paused) return;
  }
  const ModelDatabase& devices = *cloud_.find(handshake);
  const ModelDatabase& records = *cloud_.find(registry);
  const auto device = devices.docs().find(mail.link.subject);
  if (device == devices.docs().end()) return;  // purged meanwhile
  const auto lease = records.docs().find("lease-" + lease_key({handshake, mail.link.subject, ""}));
  const bool is_held = lease != records.docs().end() && !lease->second.tree.is_deleted();
  if (is_held && lease->second.written_at + lease_time >= env_.mono_now()) return;
  scheduler_.fail("invariant 4: " + mail.sender + " sends a mail about " + mail.link.subject + " without a lease");
}

}  // namespace channels::simulation
