// What the handshake forgets, and when: registrations, confirms and strangers' branches, by a moved clock.
#include <gmock/gmock.h>

#include <thread>

#include "base/errors.h"
#include "engine/engine.h"
#include "live_server.h"
#include "provision/databases.h"
#include "provision/install.h"
#include "provision/users.h"
#include "workflows/all.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/clean_up.h"
#include "workflows/device_documents.h"

namespace channels {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class KeptMails : public Mailer {
 public:
  void send(const Mail& mail, milliseconds, const MayFinish& may_finish) override {
    if (!may_finish()) throw Unavailable("given up");
    const std::lock_guard lock(mutex);
    mails.push_back(mail);
  }
  std::mutex mutex;
  std::vector<Mail> mails;
};

class Forgetting : public LiveServer {
 protected:
  void SetUp() override {
    LiveServer::SetUp();
    if (IsSkipped()) return;
    WorkflowOptions options;
    options.public_url = server_->url();
    options.handshake_db = tag_ + "-handshake";
    options.registry_db = tag_ + "-registry";
    options.control_prefix = tag_ + "-control-";
    options.channel_prefix = tag_ + "-channel-";
    options.mail_from = "no-reply@example.com";
    options.confirm_ttl = seconds(3600);
    install(*server_, {options.handshake_db, options.registry_db, 1});
    services_ = std::make_unique<Services>(env_, log_, *server_, mailer_, templates_, options);
    rules_ = all_rules(*services_);
  }

  // Runs the engine until `done` holds.
  void work_until(const std::function<bool()>& done) {
    EngineOptions options;
    options.registry_db = tag_ + "-registry";
    options.pinned = {tag_ + "-handshake"};
    const KindOf kind_of = [this](std::string_view name) -> std::optional<Kind> {
      if (name == tag_ + "-handshake") return Kind::handshake;
      if (name.starts_with(tag_ + "-control-")) return Kind::control;
      return std::nullopt;
    };
    const Engine engine(env_, log_, *server_, rules_, kind_of, options);
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(milliseconds(50));
    }
  }

  Document new_device(const std::string& owner) {
    Document doc{{"type", "device"},
                 {"state", "new"},
                 {"owner", owner},
                 {"credential",
                  {{"password_scheme", "pbkdf2"},
                   {"salt", hex(env_.random_bytes(16))},
                   {"iterations", 1},
                   {"derived_key", hex(env_.random_bytes(20))}}}};
    doc["_id"] = *device_id_for(doc);
    EXPECT_TRUE(handshake().save(doc).ok());
    return doc;
  }

  Database& handshake() { return services_->handshake; }
  std::string state_of(const std::string& id) {
    const auto doc = handshake().get(id);
    return doc ? doc_state(*doc) : "";
  }
  // As anyone can: a revision that hangs on nothing.
  void add_branch(Document doc, char hash) {
    doc["_rev"] = "1-" + std::string(32, hash);
    server_->request("POST", handshake().path("_bulk_docs"),
                     {{"new_edits", false}, {"docs", json::array{doc}}});
  }
  std::size_t leaves(const std::string& id) { return handshake().leaves(id).size(); }

  StderrLog log_{Level::error};
  KeptMails mailer_;
  Templates templates_ = *Templates::load(std::nullopt);
  std::unique_ptr<Services> services_;
  Rules rules_;
};

TEST_F(Forgetting, AnExpiredRegistrationIsPurgedAndKeptAsABareDigestFor30Days) {
  const Document device = new_device("gone@example.com");
  const std::string id = doc_id(device);
  work_until([&] { return state_of(id) == "confirming"; });
  env_.shift += seconds(3601);
  work_until([&] { return state_of(id) == "expired"; });

  clean_up(*services_);
  EXPECT_EQ(state_of(id), "expired") << "confirm_ttl after its end, not before";
  env_.shift += seconds(3601);
  add_branch(device, 'f');
  clean_up(*services_);
  EXPECT_FALSE(handshake().get(id).has_value());
  EXPECT_THAT(handshake().leaves(id), IsEmpty()) << "a leaf that stayed would be the winner";

  env_.shift += seconds(2 * 3600);
  clean_up(*services_);
  const std::string address = address_record_id(sha256_hex("gone@example.com"));
  EXPECT_FALSE(services_->registry.get(address).has_value()) << "nobody confirmed it";

  const auto digest = services_->registry.get(device_record_id(id));
  ASSERT_TRUE(digest.has_value());
  std::vector<std::string> fields;
  for (const auto& member : *digest) fields.emplace_back(member.key());
  EXPECT_THAT(fields, UnorderedElementsAre("_id", "_rev", "type", "state", "until"));

  // A carrier brings it once more: known, without a mail.
  add_branch(device, 'e');
  const std::size_t mails = mailer_.mails.size();
  work_until([&] { return state_of(id) == "expired"; });
  EXPECT_THAT(mailer_.mails, SizeIs(mails));

  env_.shift += std::chrono::hours(30 * 24);
  clean_up(*services_);
  EXPECT_FALSE(handshake().get(id).has_value());
  EXPECT_FALSE(services_->registry.get(device_record_id(id)).has_value());
}

TEST_F(Forgetting, AnAddressStaysWhileOneOfItsDevicesIsPending) {
  const Document device = new_device("stays@example.com");
  const std::string id = doc_id(device);
  work_until([&] { return state_of(id) == "confirming"; });
  const std::string address = address_record_id(sha256_hex("stays@example.com"));
  env_.shift += seconds(4 * 3600);  // its end is due, but no engine ran
  clean_up(*services_);
  EXPECT_TRUE(services_->registry.get(address).has_value());
}

TEST_F(Forgetting, AFinishedConfirmIsPurgedConfirmTtlAfterItsEnd) {
  const Document device = new_device("confirm@example.com");
  work_until([&] { return state_of(doc_id(device)) == "confirming"; });
  const std::string proof(64, 'a');
  const std::string id = confirm_id_for(doc_id(device), "yes", proof);
  handshake().save({{"_id", id}, {"type", "confirm"}, {"state", "clicked"}, {"device", doc_id(device)},
                    {"answer", "yes"}, {"proof", proof}});
  work_until([&] { return state_of(id) == "error"; });
  clean_up(*services_);
  EXPECT_EQ(state_of(id), "error");
  env_.shift += seconds(3601);
  clean_up(*services_);
  EXPECT_THAT(handshake().leaves(id), IsEmpty());
  EXPECT_EQ(state_of(doc_id(device)), "confirming") << "only the clean-up ran";
}

TEST_F(Forgetting, StrangersBranchesGoAndTheDocumentStays) {
  const Document device = new_device("branches@example.com");
  const std::string id = doc_id(device);
  work_until([&] { return state_of(id) == "confirming"; });
  for (const char hash : {'f', 'e', 'd'}) add_branch(device, hash);
  ASSERT_EQ(leaves(id), 4U);
  const auto row_seen = [&] { return services_->handshake_watch.take_branched().contains(id); };
  work_until(row_seen);
  services_->handshake_watch.saw_branches(id);
  clean_up(*services_);
  EXPECT_EQ(leaves(id), 1U);
  EXPECT_EQ(state_of(id), "confirming");
}

TEST_F(Forgetting, AnOldRevisionWithTheOwnerIsGoneAfterTheCompaction) {
  const Document device = new_device("first@example.com");
  const std::string id = doc_id(device);
  const std::string first = doc_rev(*handshake().get(id));
  work_until([&] { return state_of(id) == "confirming"; });
  const std::string path = handshake().path(id) + "?rev=" + first;
  const auto status = [&] { return server_->request("GET", path, nullptr, {404}).status; };
  ASSERT_EQ(status(), 200) << "until then anyone can read it";
  clean_up(*services_);
  const auto deadline = std::chrono::steady_clock::now() + seconds(60);
  while (status() == 200 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(50));  // CouchDB compacts beside the answer
  EXPECT_EQ(status(), 404);
}

TEST_F(Forgetting, MoreThanAPurgeTakesGoesInSeveral) {
  const Document device = new_device("many@example.com");
  const std::string id = doc_id(device);
  work_until([&] { return state_of(id) == "confirming"; });
  json::array docs;
  for (int i = 0; i < 1200; ++i) {
    Document copy = device;
    copy["_rev"] = "1-" + hex(env_.random_bytes(16));
    docs.push_back(std::move(copy));
  }
  server_->request("POST", handshake().path("_bulk_docs"), {{"new_edits", false}, {"docs", docs}});
  ASSERT_EQ(leaves(id), 1201U);
  services_->handshake_watch.saw_branches(id);
  clean_up(*services_);
  EXPECT_EQ(leaves(id), 1U);
}

TEST_F(Forgetting, ATraceIsPurgedWhenItsTimeIsOver) {
  EngineOptions options;
  options.trace.kept = [](std::string_view) { return seconds(3600); };
  Trace trace(env_, options.trace, "0123456789abcdef");
  trace.add({handshake().name(), "a", "1-x", "device/new", Mode::unsafe, 1, milliseconds(1), TraceLine::Outcome::saved, "confirming"});
  Database& registry = services_->registry.database();
  registry.save_all(trace.take());
  forget_traces(registry, env_.wall_now() + seconds(3500));
  ASSERT_THAT(traces_of(registry, "a", 10), SizeIs(1));
  const std::string id = doc_id(traces_of(registry, "a", 10).front());
  forget_traces(registry, env_.wall_now() + seconds(3601));
  EXPECT_THAT(traces_of(registry, "a", 10), IsEmpty());
  EXPECT_THAT(registry.leaves(id), IsEmpty()) << "no tombstone";
}

std::vector<json::object> audits_of(Database& registry, const std::string& channel) {
  return registry.view("audit", {{"startkey", json::array{"channel", channel}}, {"endkey", json::array{"channel", channel, json::object()}}});
}

// A process was killed between the save and the entry, and nobody writes the record again.
TEST_F(Forgetting, AnEntryOfTheAuditThatWasLeftInARecordIsWrittenOnce) {
  const std::string id = hex(env_.random_bytes(10));
  Database& registry = services_->registry.database();
  Document record{{"_id", channel_record_id(id)}, {"type", "channel"}, {"state", "error"}};
  note_audit(record, {"channel made", "alice", {{"channel", id}}}, env_.wall_now());
  const Document entry = noted_audits(record).front();
  ASSERT_TRUE(registry.save(record).ok());

  EXPECT_THAT(audits_of(registry, id), SizeIs(1)) << "it can be seen while the record holds it";
  clean_up(*services_);
  EXPECT_FALSE(registry.get(doc_id(entry)).has_value()) << "its own process may be about to write it";
  env_.shift += seconds(301);
  for (int again = 0; again < 2; ++again) {
    clean_up(*services_);
    const auto rows = audits_of(registry, id);
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(string_or(rows.front(), "id", ""), doc_id(entry));
  }
  EXPECT_FALSE(registry.get(channel_record_id(id))->contains("audit"));
}

TEST_F(Forgetting, ARegistrationThatIsReducedToADigestKeepsTheEntryThatItHolds) {
  const std::string id = hex(env_.random_bytes(32));
  Document record{{"_id", device_record_id(id)}, {"type", "device"}, {"state", "rejected"}, {"ended", format_time(env_.wall_now() - seconds(3700))}};
  note_audit(record, {"device rejected", "mailbox", {{"device", id}}}, env_.wall_now());
  ASSERT_TRUE(services_->registry.database().save(record).ok());
  clean_up(*services_);
  const auto digest = services_->registry.get(device_record_id(id));
  ASSERT_TRUE(digest.has_value());
  EXPECT_EQ(doc_type(*digest), "forgotten");
  EXPECT_EQ(noted_audits(*digest), noted_audits(record));
}

// By nobody, the server's admins included.
TEST_F(Forgetting, AnEntryOfTheAuditIsNeitherChangedNorDeleted) {
  Database& registry = services_->registry.database();
  Document entry = audit_entry({"channel made", "alice", {{"channel", "fun"}}}, env_.wall_now());
  const Saved saved = registry.save(entry);
  ASSERT_TRUE(saved.ok()) << saved.reason;
  EXPECT_EQ(registry.save(entry).outcome, Saved::Outcome::conflict) << "so a second try of the same is known";
  entry["_rev"] = saved.rev;
  Document changed = entry;
  changed["by"] = "bob";
  EXPECT_EQ(registry.save(changed).outcome, Saved::Outcome::rejected);
  EXPECT_EQ(registry.save({{"_id", doc_id(entry)}, {"_rev", saved.rev}, {"_deleted", true}}).outcome, Saved::Outcome::rejected);
  EXPECT_EQ(registry.get(doc_id(entry)), entry);
}

// Months after its end: its copies stay with those who have them.
TEST_F(Forgetting, AnInvitationAndALinkAreGoneLongAfterTheirEnd) {
  Database& registry = services_->registry.database();
  const std::string end = format_time(env_.wall_now());
  const std::vector<Document> shares{{{"_id", "invitation-" + tag_}, {"type", "invitation"}, {"state", "accepted"}, {"expires", end}},
                                     {{"_id", "link-" + tag_}, {"type", "link"}, {"state", "open"}, {"expires", end}}};
  for (const Document& share : shares) ASSERT_TRUE(registry.save(share).ok());
  env_.shift += std::chrono::days(89);
  clean_up(*services_);
  for (const Document& share : shares) EXPECT_TRUE(registry.get(doc_id(share)).has_value());
  env_.shift += std::chrono::days(2);
  clean_up(*services_);
  for (const Document& share : shares) EXPECT_THAT(registry.leaves(doc_id(share)), IsEmpty());
}

// Put back alone: it lets in a device that was revoked meanwhile, and gives another a role of a group that its user is out of.
TEST_F(Forgetting, LogInsOfAnOlderCopyOfUsersAreMadeToFitTheRegistry) {
  Database users(*server_, "_users");
  const std::string kept = hex(env_.random_bytes(32));
  const std::string thief = hex(env_.random_bytes(32));
  const json::object credential{{"salt", "aa"}, {"derived_key", "bb"}};
  const auto older = [&](const std::string& device) {
    put_user(*server_, user_doc(device, {role_of("alice"), "group:left"}, credential));
  };
  const auto roles = [&](const std::string& device) {
    const auto user = users.get("org.couchdb.user:" + username_of(device));
    return user ? user->at("roles") : json::value();
  };
  for (const auto& [device, state] : {std::pair(kept, "active"), std::pair(thief, "revoked")})
    services_->registry.database().save({{"_id", device_record_id(device)}, {"type", "device"}, {"state", state}, {"user", "alice"}});
  clean_up(*services_);
  for (const std::string& device : {kept, thief}) older(device);
  clean_up(*services_);
  EXPECT_EQ(roles(thief), (json::array{role_of("alice"), "group:left"})) << "it is as it was left: nobody looks at each log-in every hour";

  const std::string mark = "_local/" + tag_ + "-registry";
  ASSERT_TRUE(users.save({{"_id", mark}, {"counter", int_or(*users.get(mark), "counter", 0) - 1}}).ok());  // as the older copy has it
  clean_up(*services_);
  EXPECT_TRUE(roles(thief).is_null());
  EXPECT_EQ(roles(kept), json::array{role_of("alice")});
  delete_user(*server_, kept);
  const auto left = users.get(mark);
  users.save({{"_id", mark}, {"_rev", doc_rev(*left)}, {"_deleted", true}});
}

// A run that was paused wrote _security as it was before, and ended: the record says otherwise.
TEST_F(Forgetting, LooksOnceMoreAtChannelsWhoseMembersChanged) {
  const std::string id = "0123456789abcdef0123";
  Database control(*server_, services_->control_database("bob"));
  Database channel(*server_, services_->channel_database(id));
  for (Database* database : {&control, &channel}) database->create(1);
  const Access older{{role_of("alice"), role_of("bob")}, false, {role_of("alice")}, {}};
  const auto changed = [&](seconds age) {
    ensure_security(channel, older);
    services_->registry.update(channel_record_id(id), [&](Document& record) {
      const json::object members{{"alice", {{"access", "owner"}}}, {"bob", {{"access", "none"}}}};
      for (const auto& [key, value] : json::object{{"type", "channel"}, {"state", "ready"}, {"user", "alice"}, {"name", "Fun"}, {"members", members}})
        record[key] = value;
      record["members_changed"] = format_time(env_.wall_now() - age);
      return true;
    });
    clean_up(*services_);
    return channel.security();
  };
  control.save({{"_id", id}, {"type", "channel"}, {"state", "ready"}, {"name", "Fun"}, {"access", "writer"}});

  EXPECT_EQ(changed(seconds(10)), security_with(channel.security(), older)) << "its own run may be under way";
  const json::object right = changed(seconds(600));
  EXPECT_EQ(right, security_with(right, {{role_of("alice")}, false, {role_of("alice")}, {}}));
  EXPECT_EQ(doc_state(*control.get(id)), "removed");
  EXPECT_FALSE(services_->registry.get(channel_record_id(id))->contains("members_changed"));
  for (Database* database : {&control, &channel}) server_->request("DELETE", database->path());
}

}  // namespace
}  // namespace channels
