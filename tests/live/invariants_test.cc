// The invariants of docs/engine.md by their numbers, on a real server; the seventh, about secrets, is
// tests/e2e/secrets.test.mjs. The simulation has a checker for each, and holds them under faults.
#include "base/errors.h"
#include "live_engine.h"

namespace channels {
namespace {

class Invariant : public LiveEngine {
 protected:
  // Where the next process would begin to read the shop; "0" before anything was saved.
  std::string checkpoint() {
    const Database registry(*server_, tag_ + "-registry");
    const auto saved = Database(registry).get("checkpoint-" + sha256_hex(shop_->name()));
    return saved ? string_or(*saved, "seq", "") : "0";
  }

  std::vector<std::string> ids_after(const std::string& seq) {
    Database::ChangesQuery query;
    query.since = seq;
    std::vector<std::string> ids;
    for (const Change& row : shop_->changes(query).rows) ids.push_back(row.id);
    return ids;
  }

  int runs_of(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return runs_[id];
  }
};

TEST_F(Invariant, OneTheCheckpointNeverPassesAnUnsettledRow) {
  std::atomic<bool> closed = true;
  rules().safe("order", "new", [&](channels::Run&, const Document& doc) -> Outcome {
    while (doc_id(doc) == "order-5" && closed) std::this_thread::sleep_for(milliseconds(10));
    return Save{in_state(doc, "seen")};
  }, {.slow = true});
  put_orders(20);
  const auto running = engine();
  wait_for([&] { return count("seen", 20) == 19; });
  std::this_thread::sleep_for(seconds(3));  // the checkpoint is saved every second
  EXPECT_THAT(ids_after(checkpoint()), ::testing::Contains("order-5"));
  closed = false;
  wait_for([&] { return count("seen", 20) == 20; });
  wait_for([&] { return ids_after(checkpoint()).empty(); });
}

TEST_F(Invariant, TwoEveryUnsettledRowIsLookedAtAgain) {
  rules().safe("order", "new", [this](channels::Run& run, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    if (doc_id(doc) == "order-0" && runs_of("order-0") < 3) return Later{run.env.wall_now() + seconds(1)};
    if (doc_id(doc) == "order-1" && run.attempt < 3) return Failed{"not yet", std::nullopt};
    if (doc_id(doc) == "order-2" && run.attempt < 3) throw Unavailable("somebody else's server is down");
    return Save{in_state(doc, "seen")};
  });
  put_orders(3);
  const auto running = engine();
  wait_for([&] { return count("seen", 3) == 3; });
  for (const std::string id : {"order-0", "order-1", "order-2"}) EXPECT_EQ(runs_of(id), 3) << id;
}

// A handler that was overtaken is called again with what the other wrote; its result is on top of that, and each save is
// the engine's: no revision more than the writes that were asked for.
TEST_F(Invariant, ThreeOnlyTheEngineWritesTheTriggeringDocument) {
  rules().safe("order", "new", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    if (!doc.contains("note")) {
      Document edited = doc;
      edited["note"] = "by hand";
      EXPECT_TRUE(shop_->save(edited).ok());
    }
    Document next = in_state(doc, "seen");
    next["saw"] = string_or(doc, "note", "nothing");
    return Save{next};
  });
  put_orders(1);
  const auto running = engine();
  wait_for([&] { return count("seen", 1) == 1; });
  const auto doc = shop_->get("order-0");
  EXPECT_EQ(string_or(*doc, "saw", ""), "by hand");
  EXPECT_THAT(doc_rev(*doc), ::testing::StartsWith("3-")) << "made, edited by hand, saved by the engine";
  EXPECT_EQ(runs_of("order-0"), 2);
}

TEST_F(Invariant, FourAnUnsafeRunStartsOnlyWithEnoughOfItsLeaseLeft) {
  const auto act = [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    return Save{in_state(doc, "paid")};
  };
  rules().unsafe("order", "new", act, {.time_limit = seconds(30)});
  rules().unsafe("express", "new", act, {.time_limit = seconds(2)});
  put_orders(1);
  shop_->save({{"_id", "express"}, {"type", "express"}, {"state", "new"}});
  const auto running = engine(seconds(10));
  wait_for([&] { return doc_state(*shop_->get("express")) == "paid"; });
  std::this_thread::sleep_for(seconds(2));
  EXPECT_EQ(runs_of("order-0"), 0) << "a lease of 10 s is not enough for 30 s of work";
}

// What a safe handler writes beside its document is found again by the second run, which the first one's end asked for.
TEST_F(Invariant, FiveASafeHandlerRunTwiceEqualsOnce) {
  rules().safe("order", "new", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    const Saved bill = shop_->save({{"_id", "bill-" + doc_id(doc)}, {"type", "bill"}});
    if (bill.ok()) throw Unavailable("cut off between the bill and the order");
    return Save{in_state(doc, "seen")};
  });
  put_orders(3);
  const auto running = engine();
  wait_for([&] { return count("seen", 3) == 3; });
  for (const std::string id : {"order-0", "order-1", "order-2"}) {
    EXPECT_EQ(runs_of(id), 2) << id;
    EXPECT_THAT(doc_rev(*shop_->get("bill-" + id)), ::testing::StartsWith("1-"));
  }
}

TEST_F(Invariant, SixEveryWaitHasALimit) {
  HttpRequest request;
  request.method = "GET";
  // A long-poll of which nothing comes, for longer than the request may take.
  request.url = variable("COUCHDB_URL") + "/" + shop_->name() + "/_changes?feed=longpoll&since=now&timeout=60000";
  request.headers = credentials_.headers();
  request.timeout = milliseconds(500);
  const MonoTime began = env_.mono_now();
  EXPECT_THROW(transport_.send(request), Unavailable);
  // A feed that stays silent for longer than its watch-dog waits.
  request.timeout = milliseconds(0);
  EXPECT_THROW(transport_.stream(request, seconds(1), [](std::string_view) { return true; }), Unavailable);
  EXPECT_LT(env_.mono_now() - began, seconds(50));
}

TEST_F(Invariant, EightAConflictIsResolvedAlikeAndLosesNothingOfAPersons) {
  rules().conflicts([](const std::vector<Document>& leaves) -> std::optional<Document> {
    Document kept = leaves.front();
    json::array notes;
    for (const Document& leaf : leaves) {
      for (const json::value& note : *get_array(leaf, "notes")) {
        if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
      }
    }
    std::sort(notes.begin(), notes.end(), [](const json::value& left, const json::value& right) { return left.as_string() < right.as_string(); });
    kept["notes"] = notes;
    return kept;
  });
  rules().safe("note", "*", [](channels::Run&, const Document&) -> Outcome { return Keep{}; });
  const auto branch = [&](const std::string& rev, const std::string& note) {
    const json::object doc{{"_id", "note"}, {"_rev", rev}, {"type", "note"}, {"notes", json::array{note}}};
    server_->request("POST", shop_->path("_bulk_docs"), json::object{{"new_edits", false}, {"docs", json::array{doc}}}, {});
  };
  branch("1-aaa", "phone");
  branch("1-bbb", "laptop");
  const auto one = engine();
  const auto other = engine();
  wait_for([&] {
    int live = 0;
    for (const Document& leaf : shop_->leaves("note")) live += is_deleted(leaf) ? 0 : 1;
    return live == 1;
  });
  EXPECT_EQ(shop_->get("note")->at("notes"), (json::array{"laptop", "phone"}));
}

}  // namespace
}  // namespace channels
