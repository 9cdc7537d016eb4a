// Who may what: log-in, security objects, validation functions, among them the project's own as strangers meet them.
#include "base/errors.h"
#include "provision/design_docs.h"
#include "provision/users.h"
#include "rules.h"

namespace channels::simulation {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class AccessRules : public Rules {
 protected:
  // The database's design document, and anyone may write there.
  Database guarded_by(const std::string& folder) {
    Database database = open(folder);
    ensure_design_doc(database, folder);
    return database;
  }
  static Document device(const std::string& owner) {
    const std::string salt(32, 'a');
    const std::string key(40, 'b');
    return {{"_id", sha256_hex(owner + "\n" + salt + "\n" + key)}, {"type", "device"}, {"state", "new"}, {"owner", owner},
            {"credential", {{"password_scheme", "pbkdf2"}, {"salt", salt}, {"iterations", 1}, {"derived_key", key}}}};
  }
  Answer save(Database& database, const Document& doc, Credentials& who) {
    return ask("PUT", database.path(doc_path(doc_id(doc))), doc, who);
  }
};
RUN_ON_BOTH(AccessRules);

TEST_P(AccessRules, ANewDatabaseIsTheAdminsAlone) {
  Database db = make();
  BasicCredentials bob = user("bob", "pw", {"friends"});
  EXPECT_EQ(ask("GET", db.path(), nullptr, nobody_).status, 401);
  EXPECT_EQ(ask("GET", db.path("_changes"), nullptr, bob).status, 403);
  EXPECT_EQ(save(db, {{"_id", "a"}}, bob).status, 403);
  EXPECT_EQ(ask("GET", db.path(), nullptr, *admin_).status, 200);
}

TEST_P(AccessRules, MembersAreNamedByNameOrRole) {
  Database db = make();
  BasicCredentials bob = user("bob", "pw", {"friends"});
  BasicCredentials eve = user("eve", "pw", {"others"});
  db.put_security({{"admins", {{"roles", {"_admin"}}}}, {"members", {{"roles", {"friends"}}}}});
  EXPECT_EQ(save(db, {{"_id", "a"}}, bob).status, 201);
  EXPECT_EQ(ask("GET", db.path("a"), nullptr, bob).status, 200);
  EXPECT_EQ(ask("GET", db.path("a"), nullptr, eve).status, 403);
  EXPECT_EQ(ask("GET", db.path("a"), nullptr, nobody_).status, 401);
  db.put_security({{"admins", {{"roles", {"_admin"}}}}, {"members", {{"names", {tag_ + "-eve"}}}}});
  EXPECT_EQ(ask("GET", db.path("a"), nullptr, eve).status, 200);
  EXPECT_EQ(ask("GET", db.path("a"), nullptr, bob).status, 403);
}

TEST_P(AccessRules, WhereNobodyIsNamedEverybodyMay) {
  Database db = open();
  EXPECT_EQ(save(db, {{"_id", "a"}}, nobody_).status, 201);
  EXPECT_EQ(ask("GET", db.path("_security"), nullptr, nobody_).status, 200);
  EXPECT_EQ(ask("POST", db.path("_compact"), json::object(), nobody_).status, 401);
  EXPECT_EQ(ask("POST", db.path("_purge"), json::object(), nobody_).status, 401);
  EXPECT_EQ(ask("PUT", db.path("_security"), json::object(), nobody_).status, 500);
  EXPECT_EQ(ask("DELETE", db.path(), nullptr, nobody_).status, 401);
}

TEST_P(AccessRules, TheServersOwnIsForItsAdmins) {
  for (const char* path : {"_all_dbs", "_db_updates", "_global_changes"}) EXPECT_EQ(ask("GET", path, nullptr, nobody_).status, 401) << path;
  EXPECT_EQ(ask("POST", "_dbs_info", {{"keys", {"_users"}}}, nobody_).status, 401);
  EXPECT_EQ(ask("PUT", tag_ + "-x", nullptr, nobody_).status, 401);
  EXPECT_EQ(ask("GET", tag_ + "-x", nullptr, nobody_).status, 404);
  EXPECT_EQ(ask("GET", "_up", nullptr, nobody_).status, 200);
  EXPECT_TRUE(server_->is_up());
}

TEST_P(AccessRules, ASessionTellsWhoAsks) {
  BasicCredentials bob = user("bob", "pw", {"friends"});
  EXPECT_TRUE(server_->session().is_admin);
  EXPECT_EQ(ask("GET", "_session", nullptr, bob).body.at("userCtx"), (json::value{{"name", tag_ + "-bob"}, {"roles", {"friends"}}}));
  EXPECT_TRUE(ask("GET", "_session", nullptr, nobody_).body.at("userCtx").at("name").is_null());
}

TEST_P(AccessRules, AWrongPasswordIsNobody) {
  user("bob", "pw", {});
  BasicCredentials wrong(tag_ + "-bob", "other");
  BasicCredentials unknown(tag_ + "-none", "pw");
  for (BasicCredentials* who : {&wrong, &unknown}) {
    const Answer refused = ask("GET", "_session", nullptr, *who);
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.reason(), "Name or password is incorrect.");
  }
}

TEST_P(AccessRules, ADeletedUserIsLockedOut) {
  BasicCredentials bob = user("bob", "pw", {});
  EXPECT_EQ(ask("GET", "_session", nullptr, bob).status, 200);
  Database users(*server_, "_users");
  // CouchDB may write a better hash after the first log-in: then there is a newer revision to delete.
  for (bool deleted = false; !deleted;) {
    const auto doc = users.get("org.couchdb.user:" + tag_ + "-bob");
    ASSERT_TRUE(doc);
    deleted = users.save({{"_id", doc_id(*doc)}, {"_rev", doc_rev(*doc)}, {"_deleted", true}}).ok();
  }
  expect_soon([&] { return ask("GET", "_session", nullptr, bob).status; }, 401);
}

TEST_P(AccessRules, DesignDocumentsAreTheAdmins) {
  Database db = open();
  BasicCredentials bob = user("bob", "pw", {});
  EXPECT_EQ(save(db, {{"_id", "_design/x"}}, nobody_).status, 401);
  EXPECT_EQ(save(db, {{"_id", "_design/x"}}, bob).status, 403);
  db.put_security({{"admins", {{"names", {tag_ + "-bob"}}}}, {"members", json::object()}});
  EXPECT_EQ(save(db, {{"_id", "_design/x"}}, bob).status, 201);
}

// --- validation

TEST_P(AccessRules, AFunctionSeesBothDocumentsAndWhoAsks) {
  Database db = open();
  saved(db, {{"_id", "_design/x"}, {"validate_doc_update", "function (n, o, u, s) { throw({forbidden: JSON.stringify("
             "[n._rev || null, n._revisions || null, n._deleted || false, o && o._rev, o && o._revisions.ids.length, "
             "u.name, u.roles, s.members || null])}); }"}});
  const Answer made = save(db, {{"_id", "a"}}, nobody_);
  EXPECT_EQ(made.status, 403);
  EXPECT_EQ(made.reason(), "[null,null,false,null,null,null,[],{}]");
  const Answer deleted = replicated(db, "b", 2, {hash('b'), hash('a')}, {{"_deleted", true}});
  EXPECT_EQ(string_or(deleted.body.at(0).as_object(), "reason", ""),
            "[\"2-" + hash('b') + "\",{\"start\":2,\"ids\":[\"" + hash('b') + "\",\"" + hash('a') + "\"]},true,null,null,\"" +
                server_->session().name + "\",[\"_admin\"],{}]");
  EXPECT_EQ(string_or(deleted.body.at(0).as_object(), "rev", ""), "2-" + hash('b'));
}

TEST_P(AccessRules, AnEditShowsItsParentAReplicationItsNearestKnownAncestor) {
  Database db = open();
  // There before the first document: a database that was written to has functions at hand that may outlive a change for a moment.
  saved(db, {{"_id", "_design/x"}, {"validate_doc_update",
             "function (n, o) { if (n.first) return; throw({forbidden: JSON.stringify([n._rev, n._revisions.ids.length, o && o._rev, "
             "o && o.n, o && o._revisions.ids.length])}); }"}});
  replicated(db, "a", 2, {hash('b'), hash('a')}, {{"n", 2}, {"first", true}});
  EXPECT_EQ(ask(db, "PUT", "a", {{"_rev", "2-" + hash('b')}}).reason(), "[\"2-" + hash('b') + "\",1,\"2-" + hash('b') + "\",2,2]");
  const auto reason = [&](std::uint64_t generation, const std::vector<std::string>& hashes) {
    const Answer answer = replicated(db, "a", generation, hashes);
    return answer.body.as_array().empty() ? "taken" : string_or(answer.body.at(0).as_object(), "reason", "");
  };
  EXPECT_EQ(reason(4, {hash('d'), hash('c'), hash('b'), hash('a')}), "[\"4-" + hash('d') + "\",4,\"2-" + hash('b') + "\",2,2]");
  // No body is known of its ancestors: it sees no old document.
  EXPECT_EQ(reason(2, {hash('e'), hash('a')}), "[\"2-" + hash('e') + "\",2,null,null,null]");
  EXPECT_EQ(reason(2, {hash('b'), hash('a')}), "taken");
}

TEST_P(AccessRules, AFunctionMayAskForALogIn) {
  Database db = open();
  saved(db, {{"_id", "_design/x"}, {"validate_doc_update", "function (n, o, u) { if (!u.name) throw({unauthorized: 'log in'}); }"}});
  EXPECT_EQ(save(db, {{"_id", "a"}}, nobody_).status, 401);
  EXPECT_EQ(save(db, {{"_id", "a"}}, *admin_).status, 201);
  EXPECT_EQ(save(db, {{"_id", "_local/a"}}, nobody_).status, 201);
}

TEST_P(AccessRules, EveryDesignDocumentHasItsSay) {
  Database db = open();
  saved(db, {{"_id", "_design/x"}, {"validate_doc_update", "function (n) { if (n.x) throw({forbidden: 'x'}); }"}});
  saved(db, {{"_id", "_design/y"}, {"lib", {{"y", "exports.field = 'y';"}}},
             {"validate_doc_update", "function (n) { if (n[require('lib/y').field]) throw({forbidden: 'y'}); }"}});
  EXPECT_EQ(ask(db, "PUT", "a", {{"x", 1}}).reason(), "x");
  EXPECT_EQ(ask(db, "PUT", "a", {{"y", 1}}).reason(), "y");
  EXPECT_EQ(ask(db, "PUT", "a", {{"z", 1}}).status, 201);
  const Document design = *db.get("_design/x");
  saved(db, {{"_id", "_design/x"}, {"_rev", doc_rev(design)}, {"_deleted", true}});
  expect_soon([&] { return ask(db, "PUT", "b", {{"x", 1}}).status; }, 201);
}

// --- the project's own

TEST_P(AccessRules, TheHandshakeTakesFromAStrangerOnlyWhatItsIdProves) {
  Database db = guarded_by("handshake");
  const Document good = device("alice@example.com");
  Document other = good;
  other["owner"] = "eve@example.com";
  EXPECT_EQ(save(db, other, nobody_).status, 403);
  Document more = good;
  more["admin"] = true;
  EXPECT_EQ(save(db, more, nobody_).status, 403);
  const Answer made = save(db, good, nobody_);
  EXPECT_EQ(made.status, 201);
  Document edit = good;
  edit["_rev"] = made.rev();
  EXPECT_EQ(save(db, edit, nobody_).status, 403);
  EXPECT_EQ(save(db, edit, *admin_).status, 201);
  EXPECT_EQ(save(db, {{"_id", "x"}, {"type", "note"}}, nobody_).status, 403);
}

TEST_P(AccessRules, TheHandshakeCannotHinderABranchThatProvesItsId) {
  Database db = guarded_by("handshake");
  Document branch = device("alice@example.com");
  const std::string first = saved(db, branch);
  branch["name"] = "another";
  branch["_rev"] = "1-" + hash('f');
  branch["_revisions"] = json::object{{"start", 1}, {"ids", {hash('f')}}};
  const auto replicate_branch = [&] {
    return ask("POST", db.path("_bulk_docs"), {{"new_edits", false}, {"docs", {branch}}}, nobody_).body.as_array();
  };
  EXPECT_THAT(replicate_branch(), IsEmpty());
  EXPECT_THAT(db.leaves(doc_id(branch)), SizeIs(2));
  branch["_rev"] = "2-" + hash('f');
  branch["_revisions"] = json::object{{"start", 2}, {"ids", {hash('f'), parse_rev(first).hash}}};
  EXPECT_THAT(replicate_branch(), SizeIs(1));
  branch["_rev"] = "1-" + hash('e');
  branch["_revisions"] = json::object{{"start", 1}, {"ids", {hash('e')}}};
  branch["_deleted"] = true;
  EXPECT_THAT(replicate_branch(), SizeIs(1));
}

TEST_P(AccessRules, ControlRefusesAnEditOfWhatTheDaemonOwnsAndTakesItReplicated) {
  Database db = guarded_by("control");
  const std::string id = std::string(64, 'a');
  BasicCredentials phone = user("phone", "pw", {"user:1"});
  Document doc{{"_id", id}, {"type", "device"}, {"state", "active"}, {"name", "Phone"}};
  EXPECT_EQ(save(db, doc, phone).status, 403);
  std::string rev = saved(db, doc);
  doc["_rev"] = rev;
  doc["name"] = "Alice's phone";
  rev = save(db, doc, phone).rev();
  EXPECT_EQ(rev.substr(0, 2), "2-");
  doc["_rev"] = rev;
  doc["state"] = "revoked";
  EXPECT_EQ(save(db, doc, phone).status, 403);
  EXPECT_EQ(ask("DELETE", db.path(id) + "?rev=" + rev, nullptr, phone).status, 403);
  // A replicated revision is seen with its ancestor, and its own hash is not that one's.
  doc["_rev"] = "3-" + hash('3');
  doc["_revisions"] = json::object{{"start", 3}, {"ids", {hash('3'), parse_rev(rev).hash}}};
  EXPECT_THAT(ask("POST", db.path("_bulk_docs"), {{"new_edits", false}, {"docs", {doc}}}, phone).body.as_array(), IsEmpty());
  EXPECT_EQ(winner(db, id), "3-" + hash('3'));
  doc.erase("_revisions");
  doc["state"] = "active";
  EXPECT_EQ(save(db, doc, phone).status, 403) << "a revocation stays";
}

TEST_P(AccessRules, AChannelIsReadByItsReadersAndWrittenByOthers) {
  Database db = guarded_by("channel");
  BasicCredentials reader = user("reader", "pw", {"user:r"});
  BasicCredentials writer = user("writer", "pw", {"user:w"});
  BasicCredentials owner = user("owner", "pw", {"user:o"});
  db.put_security({{"admins", {{"roles", {"_admin"}}}}, {"members", {{"roles", {"user:r", "user:w", "user:o"}}}},
                   {"channels", {{"owners", {"user:o"}}, {"readers", {"user:r"}}}}});
  EXPECT_EQ(save(db, {{"_id", "a"}}, reader).status, 403);
  EXPECT_EQ(save(db, {{"_id", "a"}}, writer).status, 201);
  EXPECT_EQ(save(db, {{"_id", "description"}}, writer).status, 403);
  EXPECT_EQ(save(db, {{"_id", "description"}}, owner).status, 201);
}

TEST_P(AccessRules, ADeviceLogsInWithItsOwnVerifier) {
  // What put_user() writes, of the secret that only the device has; by PBKDF2 of "secret" and this salt, one round.
  BasicCredentials made = user("probe", "secret", {});
  Database users(*server_, "_users");
  const auto verifier = users.get("org.couchdb.user:" + tag_ + "-probe");
  const std::string id = sha256_hex(tag_);
  put_user(*server_, user_doc(id, {"user:1"}, {{"salt", verifier->at("salt")}, {"derived_key", verifier->at("derived_key")}}));
  users_.push_back(username_of(id));
  BasicCredentials device(username_of(id), "secret");
  EXPECT_EQ(ask("GET", "_session", nullptr, device).body.at("userCtx").at("roles"), (json::value{"user:1"}));
  delete_user(*server_, id);
  put_user(*server_, user_doc(id, {"user:2"}, {{"salt", verifier->at("salt")}, {"derived_key", verifier->at("derived_key")}}));
  EXPECT_EQ(users.get("org.couchdb.user:" + username_of(id))->at("roles"), (json::value{"user:2"}));
}

}  // namespace
}  // namespace channels::simulation
