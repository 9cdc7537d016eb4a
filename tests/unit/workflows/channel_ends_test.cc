#include "workflows/channel_ends.h"

#include <gtest/gtest.h>

#include "unit/support/cases.h"
#include "unit/support/fake_databases.h"
#include "unit/support/fake_env.h"
#include "unit/support/fake_log.h"
#include "workflows/conflicts.h"
#include "workflows/members.h"
#include "workflows/sharing.h"

namespace channels {
namespace {

constexpr seconds kept{86400};

Document fun_channel() {
  return {{"_id", "channel-fun"}, {"type", "channel"}, {"state", "ready"}, {"name", "Fun"}, {"user", "alice"},
          {"members", {{"alice", {{"access", "owner"}}}, {"bob", {{"access", "writer"}}}}}};
}

EndWish wish(const std::string& kind, const std::string& cause = "c", const std::string& user = "alice") {
  return {kind, user, cause};
}

std::string fault(const Document& doc, const EndWish& wish, WallTime at = now) {
  const auto found = fault_of_end(doc, wish, at);
  return found ? found->error : "";
}

Document after(std::initializer_list<const char*> wishes) {
  Document doc = fun_channel();
  for (const char* kind : wishes) change_end(doc, wish(kind, kind), now, kept);
  return doc;
}

TEST(ChannelEnds, AreWishedByOwnersOnly) {
  for (const char* kind : {"archive", "reopen", "delete", "undelete"}) {
    EXPECT_EQ(fault(fun_channel(), wish(kind)), "") << kind;
    EXPECT_EQ(fault(fun_channel(), wish(kind, "c", "bob")), "no_owner") << kind;
    EXPECT_EQ(fault(fun_channel(), wish(kind, "c", "carol")), "no_owner") << kind;
  }
}

TEST(ChannelEnds, ArchiveAndReopenAreEachOthersUndoing) {
  EXPECT_TRUE(is_archived(after({"archive"})));
  EXPECT_FALSE(is_archived(after({"archive", "reopen"})));
  Document doc = after({"archive"});
  EXPECT_FALSE(change_end(doc, wish("archive", "another"), now, kept)) << "it is so already";
  EXPECT_EQ(shown_channel_state(doc, access_of(doc, "bob")), "archived");
  EXPECT_EQ(shown_channel_state(fun_channel(), access_of(fun_channel(), "bob")), "ready");
  EXPECT_EQ(shown_channel_state(doc, access_of(doc, "carol")), "removed");
}

TEST(ChannelEnds, ADeletedChannelComesBackAsItWas) {
  const Document deleted = after({"archive", "delete"});
  EXPECT_TRUE(is_ended(deleted));
  EXPECT_EQ(string_or(deleted, "until", ""), format_time(now + kept));
  EXPECT_EQ(shown_channel_state(deleted, access_of(deleted, "bob")), "deleted");
  EXPECT_EQ(fault(deleted, wish("reopen")), "deleted");
  const Document back = after({"archive", "delete", "undelete"});
  EXPECT_FALSE(is_ended(back));
  EXPECT_TRUE(is_archived(back));
  EXPECT_FALSE(back.contains("until"));
}

TEST(ChannelEnds, AfterItsTimeNothingBringsAChannelBack) {
  Document deleted = after({"delete"});
  EXPECT_FALSE(is_past_return(deleted, now + kept - seconds(1)));
  EXPECT_EQ(fault(deleted, wish("undelete"), now + kept - seconds(1)), "");
  EXPECT_TRUE(is_past_return(deleted, now + kept));
  EXPECT_EQ(fault(deleted, wish("undelete"), now + kept), "too_late");
  deleted["state"] = "removing";
  EXPECT_EQ(fault(deleted, wish("undelete")), "too_late");
  deleted.erase("until");
  deleted["state"] = "deleted";
  EXPECT_TRUE(is_past_return(deleted, now)) << "a spoiled record does not stay for ever";
}

TEST(ChannelEnds, ARunThatComesLateUndoesNothing) {
  Document doc = fun_channel();
  EXPECT_TRUE(change_end(doc, wish("delete", "d"), now, kept));
  EXPECT_TRUE(change_end(doc, wish("undelete", "u"), now, kept));
  EXPECT_FALSE(change_end(doc, wish("delete", "d"), now, kept));
  EXPECT_FALSE(is_ended(doc));
}

Document leaf(const char* rev, const char* state) {
  return {{"_id", "fun"}, {"_rev", rev}, {"type", "channel"}, {"state", state}, {"name", "Fun"}};
}

TEST(ChannelEnds, AWishWinsOverWhatTheDaemonSays) {
  for (const char* state : {"ready", "archived", "deleted", "removed", "new", "error"}) {
    const auto resolved = resolve_control_conflict({leaf("5-a", state), leaf("4-b", "delete")});
    ASSERT_TRUE(resolved) << state;
    EXPECT_EQ(doc_state(*resolved), "delete") << state;
  }
  const auto two = resolve_control_conflict({leaf("5-a", "archive"), leaf("4-b", "delete")});
  ASSERT_TRUE(two);
  EXPECT_EQ(doc_state(*two), "archive");
  EXPECT_EQ(two->at("overruled"), (json::array{{{"rev", "4-b"}, {"state", "delete"}}})) << "the other is not lost silently";
}

}  // namespace
}  // namespace channels
