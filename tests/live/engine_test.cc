// The engine on a real server, with rules of the tests' own.
#include "base/errors.h"
#include "live_engine.h"

namespace channels {
namespace {

TEST_F(LiveEngine, ABatchIsSavedByFewRequests) {
  rules().safe("order", "new", [](channels::Run&, const Document& doc) -> Outcome { return Save{in_state(doc, "seen")}; });
  put_orders(400);
  const auto running = engine();
  wait_for([&] { return count("seen", 400) == 400; });
  EXPECT_LE(counting_.bulks, 4);
}

TEST_F(LiveEngine, TwoWorkersRunAnUnsafeHandlerOnceForEachDocument) {
  rules().unsafe("order", "new", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    std::this_thread::sleep_for(milliseconds(5));
    return Save{in_state(doc, "paid")};
  });
  const auto one = engine();
  const auto other = engine();
  put_orders(60);
  wait_for([&] { return count("paid", 60) == 60; });
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(runs_.size(), 60U);
  for (const auto& [id, times] : runs_) EXPECT_EQ(times, 1) << id;
}

TEST_F(LiveEngine, AConflictIsReadAndMatchedAgain) {
  rules().safe("order", "new", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    if (!doc.contains("note")) {  // a person is faster
      Document edited = doc;
      edited["note"] = "by hand";
      EXPECT_TRUE(shop_->save(edited).ok());
    }
    return Save{in_state(doc, "seen")};
  });
  put_orders(1);
  const auto running = engine();
  wait_for([&] { return count("seen", 1) == 1; });
  EXPECT_EQ(string_or(*shop_->get("order-0"), "note", ""), "by hand");
}

TEST_F(LiveEngine, AnUnsafeResultIsPutOnWhatTheDocumentIsNow) {
  rules().unsafe("order", "new", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    Document edited = doc;
    edited["note"] = "by hand";
    EXPECT_TRUE(shop_->save(edited).ok());
    return Save{in_state(doc, "paid")};
  });
  put_orders(1);
  const auto running = engine();
  wait_for([&] { return count("paid", 1) == 1; });
  EXPECT_EQ(string_or(*shop_->get("order-0"), "note", ""), "by hand");
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(runs_["order-0"], 1) << "it had acted: running it again would act twice";
}

TEST_F(LiveEngine, WhatIsDoneIsNotReadAgainAfterARestart) {
  rules().safe("order", "*", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    return Keep{};
  });
  put_orders(30);
  {
    const auto running = engine();
    wait_for([&] {
      const std::lock_guard lock(mutex_);
      return runs_.size() == 30;
    });
  }
  shop_->save({{"_id", "order-30"}, {"type", "order"}, {"state", "new"}});
  const auto again = engine();
  wait_for([&] {
    const std::lock_guard lock(mutex_);
    return runs_.size() == 31;
  });
  const std::lock_guard lock(mutex_);
  for (const auto& [id, times] : runs_) EXPECT_EQ(times, 1) << id;
}

TEST_F(LiveEngine, WhatWaitsForALateHourIsFoundByTheNextProcess) {
  rules().safe("order", "new", [this](channels::Run& run, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    const WallTime due = *parse_time(string_or(doc, "due", ""));
    if (run.env.wall_now() < due) return Later{due};
    return Save{in_state(doc, "reminded")};
  });
  shop_->save({{"_id", "order-0"}, {"type", "order"}, {"state", "new"},
               {"due", format_time(env_.wall_now() + seconds(600))}});
  {
    const auto running = engine();
    wait_for([&] {
      const std::lock_guard lock(mutex_);
      return runs_["order-0"] == 1;
    });
  }
  env_.shift += seconds(601);
  const auto later = engine();
  wait_for([&] { return count("reminded", 1) == 1; });
}

TEST_F(LiveEngine, AFailedDocumentHoldsUpNoOther) {
  rules().safe("order", "new", [](channels::Run& run, const Document& doc) -> Outcome {
    if (doc_id(doc) == "order-3" && run.attempt < 3) return Failed{"not today", seconds(0)};
    return Save{in_state(doc, "seen")};
  });
  put_orders(10);
  const auto running = engine();
  wait_for([&] { return count("seen", 10) == 9; });
  wait_for([&] { return count("seen", 10) == 10; });
}

TEST_F(LiveEngine, ACrowdThatWaitsKeepsNothingNewFromBeingRead) {
  rules().safe("order", "new", [](channels::Run& run, const Document&) -> Outcome {
    return Later{run.env.wall_now() + seconds(20)};
  });
  rules().safe("express", "new", [](channels::Run&, const Document& doc) -> Outcome {
    return Save{in_state(doc, "seen")};
  });
  put_orders(5500);
  const auto running = engine();
  shop_->save({{"_id", "express"}, {"type", "express"}, {"state", "new"}});
  wait_for([&] { return doc_state(*shop_->get("express")) == "seen"; });
}

TEST_F(LiveEngine, ALargeDocumentAmongSmallOnesIsHandledAsTheyAre) {
  rules().safe("order", "new", [](channels::Run&, const Document& doc) -> Outcome {
    return Save{in_state(doc, "seen")};
  });
  put_orders(60);
  Document large{{"_id", "order-60"}, {"type", "order"}, {"state", "new"}};
  large["text"] = std::string(7900000, 'x');  // CouchDB's max_document_size is 8,000,000
  ASSERT_TRUE(shop_->save(large).ok());
  const auto running = engine();
  wait_for([&] { return count("seen", 60) == 60; });
  wait_for([&] { return doc_state(*shop_->get("order-60")) == "seen"; });
}

TEST_F(LiveEngine, ADocumentDeletedWhileItIsHandledStaysDeleted) {
  rules().unsafe("order", "new", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    if (!doc.contains("again"))
      shop_->save({{"_id", doc.at("_id")}, {"_rev", doc.at("_rev")}, {"_deleted", true}});
    return Save{in_state(doc, "paid")};
  });
  put_orders(3);
  const auto running = engine();
  wait_for([&] {
    const std::lock_guard lock(mutex_);
    return runs_.size() == 3;
  });
  wait_for([&] { return count("new", 3) == 0; });
  shop_->save({{"_id", "order-0"}, {"type", "order"}, {"state", "new"}, {"again", true}});
  wait_for([&] { return count("paid", 1) == 1; });
  EXPECT_FALSE(shop_->get("order-1"));
}

TEST_F(LiveEngine, ADatabaseMadeAnewIsFollowedFromItsBeginning) {
  rules().safe("order", "new", [](channels::Run&, const Document& doc) -> Outcome {
    return Save{in_state(doc, "seen")};
  });
  put_orders(20);
  const auto running = engine();
  wait_for([&] { return count("seen", 20) == 20; });
  server_->request("DELETE", shop_->path());
  shop_->create(1);
  // CouchDB may need a moment to open what was made anew at once.
  wait_for([&] {
    try {
      put_orders(5);
      return true;
    } catch (const Unavailable&) {
      return false;
    }
  });
  wait_for([&] { return count("seen", 5) == 5; });
}

TEST_F(LiveEngine, TwoWorkersShareAndOneGoesOnWhenTheOtherIsGone) {
  rules().safe("order", "new", [](channels::Run&, const Document& doc) -> Outcome {
    return Save{in_state(doc, "seen")};
  });
  auto first = engine();
  auto second = engine();
  put_orders(10);
  wait_for([&] { return count("seen", 10) == 10; });
  first.reset();
  shop_->save({{"_id", "order-10"}, {"type", "order"}, {"state", "new"}});
  wait_for([&] { return count("seen", 11) == 11; });
}

TEST_F(LiveEngine, AConflictIsSettledByTheResolverAndTheLosersAreDeleted) {
  rules().conflicts([](const std::vector<Document>& leaves) -> std::optional<Document> {
    Document merged = leaves.front();
    std::int64_t sum = 0;
    for (const Document& leaf : leaves) sum += int_or(leaf, "n", 0);
    if (int_or(merged, "sum", 0) < sum) merged["sum"] = sum;
    return merged;
  });
  shop_->save({{"_id", "order-0"}, {"type", "order"}, {"n", 1}});
  for (const char* rev : {"1-aaa", "1-bbb"}) {
    json::object body{{"new_edits", false},
                      {"docs", {{{"_id", "order-0"}, {"_rev", rev}, {"type", "order"}, {"n", 10}}}}};
    server_->request("POST", shop_->path("_bulk_docs"), body);
  }
  const auto running = engine();
  wait_for([&] {
    std::size_t live = 0;
    for (const Document& leaf : shop_->leaves("order-0")) live += is_deleted(leaf) ? 0 : 1;
    return live == 1;
  });
  EXPECT_EQ(int_or(*shop_->get("order-0"), "sum", 0), 21);
}

TEST_F(LiveEngine, ALostUnsafeRunIsParkedUnlessItsRuleSaysOtherwise) {
  // A worker that died between the act and the save left a lease behind.
  const auto leave_lease = [&] {
    const auto doc = *shop_->get("order-0");
    Leases dead(env_, log_, Database(*server_, tag_ + "-registry"), seconds(5), "dead worker");
    EXPECT_TRUE(dead.take({{shop_->name(), "order-0", doc_rev(doc)}}).front().lease.has_value());
  };
  rules().unsafe("order", "new", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    return Save{in_state(doc, "paid")};
  }, {.time_limit = seconds(2)});

  put_orders(1);
  leave_lease();
  const auto running = engine(seconds(5));
  Database registry(*server_, tag_ + "-registry");
  wait_for([&] { return !Records(env_, registry).failures(1).empty(); });
  EXPECT_EQ(count("new", 1), 1) << "parked as it was";
  {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(runs_["order-0"], 0) << "never twice";
  }
}

TEST_F(LiveEngine, ALostUnsafeRunOfARepeatableRuleRunsAgain) {
  rules().unsafe("order", "new", [this](channels::Run& run, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    EXPECT_GE(run.attempt, 2);
    return Save{in_state(doc, "paid")};
  }, {.on_lost = OnLost::retry, .time_limit = seconds(2)});
  put_orders(1);
  Leases dead(env_, log_, Database(*server_, tag_ + "-registry"), seconds(5), "dead worker");
  ASSERT_TRUE(dead.take({{shop_->name(), "order-0", doc_rev(*shop_->get("order-0"))}}).front().lease);
  const auto running = engine(seconds(5));
  wait_for([&] { return count("paid", 1) == 1; });
}

Outcome with_bill(const Document& doc) {
  return Save{in_state(doc, "seen"), {{{"_id", "bill-" + doc_id(doc)}, {"type", "bill"}, {"state", "made"}}}, true};
}

TEST_F(LiveEngine, WhatGoesBesideAResultIsSavedWithItAndNeedsNoLook) {
  const auto note = [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    return Keep{};
  };
  rules().safe("order", "new", [](channels::Run&, const Document& doc) { return with_bill(doc); });
  rules().safe("order", "seen", note).safe("bill", "made", note);
  put_orders(3);
  const auto running = engine();
  wait_for([&] { return count("seen", 3) == 3; });
  EXPECT_EQ(counting_.bulks, 1);
  EXPECT_EQ(doc_state(shop_->get("bill-order-2").value_or(Document{})), "made");
  std::this_thread::sleep_for(seconds(3));
  {
    const std::lock_guard lock(mutex_);
    EXPECT_THAT(runs_, testing::IsEmpty());
  }
  auto bill = *shop_->get("bill-order-1");
  bill["note"] = "by hand";
  ASSERT_TRUE(shop_->save(bill).ok());
  wait_for([&] {
    const std::lock_guard lock(mutex_);
    return runs_["bill-order-1"] == 1;
  });
}

TEST_F(LiveEngine, AResultIsLookedAtAgainWhereWhatGoesBesideItIsThereAlready) {
  rules().safe("order", "new", [](channels::Run&, const Document& doc) { return with_bill(doc); });
  rules().safe("order", "seen", [this](channels::Run&, const Document& doc) -> Outcome {
    ran(doc_id(doc));
    return Keep{};
  });
  ASSERT_TRUE(shop_->save({{"_id", "bill-order-1"}, {"type", "bill"}, {"note", "by hand"}}).ok());
  put_orders(3);
  const auto running = engine();
  wait_for([&] { return count("seen", 3) == 3; });
  wait_for([&] {
    const std::lock_guard lock(mutex_);
    return runs_["order-1"] == 1;
  });
  EXPECT_EQ(string_or(*shop_->get("bill-order-1"), "note", ""), "by hand");
  const std::lock_guard lock(mutex_);
  EXPECT_FALSE(runs_.contains("order-0"));
}

}  // namespace
}  // namespace channels
