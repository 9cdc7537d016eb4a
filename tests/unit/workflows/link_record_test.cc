#include "workflows/link_record.h"

#include <gtest/gtest.h>

#include "unit/support/cases.h"

namespace channels {
namespace {

Document link(std::int64_t uses) {
  return {{"_id", "link-x"}, {"state", "open"}, {"uses", uses}, {"expires", format_time(now)}};
}

TEST(LinkRecord, GivesEachCauseOneUse) {
  Document record = link(2);
  EXPECT_TRUE(take_use(record, "bob 1"));
  EXPECT_FALSE(take_use(record, "bob 1")) << "a run that comes again takes none";
  EXPECT_TRUE(has_use(record, "bob 1"));
  EXPECT_EQ(doc_state(record), "open");
  EXPECT_TRUE(take_use(record, "carol 1"));
  EXPECT_EQ(doc_state(record), "used");
  EXPECT_FALSE(take_use(record, "dave 1"));
  EXPECT_FALSE(has_use(record, "dave 1"));
  EXPECT_TRUE(has_use(record, "bob 1")) << "who has one keeps it when the link has ended";
}

TEST(LinkRecord, GivesNoneOfAnEndedLink) {
  for (const char* state : {"used", "closed", "expired"}) {
    Document record = link(2);
    record["state"] = state;
    EXPECT_FALSE(take_use(record, "bob 1")) << state;
  }
}

TEST(LinkRecord, IsPastWhenItsTimeIsUp) {
  EXPECT_FALSE(is_link_past(link(1), now - seconds(1)));
  EXPECT_TRUE(is_link_past(link(1), now));
  Document without = link(1);
  without.erase("expires");
  EXPECT_TRUE(is_link_past(without, now)) << "a link without an end would never end";
  Document closed = link(1);
  closed["state"] = "closed";
  EXPECT_FALSE(is_link_past(closed, now));
}

TEST(LinkRecord, IsFoundByCodeAndChannelTogether) {
  const std::string code(32, 'a');
  EXPECT_NE(link_record_id("fun", code), link_record_id("work", code));
  EXPECT_EQ(link_record_id("fun", code).find(code), std::string::npos);
  EXPECT_TRUE(is_link_code(code));
  EXPECT_FALSE(is_link_code(std::string(31, 'a')));
  EXPECT_FALSE(is_link_code(std::string(32, 'A')));
}

TEST(LinkRecord, IsTheTruthOfItsDocument) {
  Document record = link(5);
  record["channel"] = "fun";
  record["access"] = "reader";
  const Document copy = makers_copy(record, {{"_id", "mine"}, {"state", "new"}, {"access", "owner"}, {"days", 9}, {"note", "for the team"}, {"error", "x"}});
  const Document wanted{{"_id", "mine"},  {"state", "open"}, {"access", "reader"}, {"note", "for the team"}, {"channel", "fun"}, {"uses", 5}, {"expires", format_time(now)}};
  EXPECT_EQ(copy, wanted);
}

}  // namespace
}  // namespace channels
