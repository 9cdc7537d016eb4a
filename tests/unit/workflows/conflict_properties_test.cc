// Conflicts in control databases, over random leaves with strange members: every worker comes to
// the same, a result that was saved is one, and nothing that a person wrote is lost silently
// (invariant 8).
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "workflows/conflicts.h"
#include "unit/support/cases.h"
#include "workflows/extent.h"

namespace channels {
namespace {

class RandomLeaves {
 public:
  explicit RandomLeaves(unsigned seed) : random_(seed) {}

  std::vector<Document> operator()() {
    const std::string type = pick<std::string>({"device", "channel", "subscription", "invitation", "member", "group", "profile", "link", "join"});
    std::vector<Document> leaves;
    const int count = number(2, 13);
    for (int i = 0; i < count; ++i) {
      const std::string rev = std::to_string(number(1, 12)) + "-" + std::to_string(100 + i);
      Document doc{{"_id", std::string(64, 'a')},
                   {"_rev", rev},
                   {"type", type},
                   {"state", pick<std::string>({"active", "revoke", "revoked", "new", "ready",
                                                "error", "paused", "stopped", "sent", "received", "accept",
                                                "decline", "withdraw", "accepted", "expired", "leave", "done",
                                                "open", "close", "closed", "joined"})}};
      for (const char* key : {"name", "wipe", "user", "database", "syncpoint", "owner", "error",
                              "channel", "access", "shows", "named", "to", "code", "color", "notes", "left_out"})
        if (number(0, 2) > 0) doc[key] = value();
      if (number(0, 3) == 0) doc["overruled"] = entries();
      leaves.push_back(std::move(doc));
    }
    return leaves;
  }

  std::mt19937& generator() { return random_; }

 private:
  int number(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }
  template <class T>
  T pick(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(number(0, static_cast<int>(values.size()) - 1))];
  }
  json::value value() {
    const json::array values{"a",
                             "b",
                             "a\n\"b",
                             1,
                             1.5,
                             true,
                             nullptr,
                             json::array{"a"},
                             json::object{{"k", "v"}},
                             nested(16),
                             nested(17),
                             nested(18),
                             nested(19),
                             nested(25),
                             std::string(210, 'x'),
                             std::string(900, 'y'),
                             std::string(3000, '\n'),
                             std::string(9000, 'z')};
    return values[static_cast<std::size_t>(number(0, static_cast<int>(values.size()) - 1))];
  }
  json::array entries() {
    json::array list;
    for (int i = number(0, 12); i > 0; --i) {
      json::object entry{
          {"rev", std::to_string(number(1, 12)) + "-" + std::to_string(number(100, 112))},
          {"name", value()},
          {"x", value()}};
      if (number(0, 4) == 0) entry["left_out"] = json::array{"notes", value()};
      list.emplace_back(pick<json::value>({entry, entry, entry, value()}));
    }
    return list;
  }

  std::mt19937 random_;
};

// Of a losing leaf, each member that a person owns: kept, or in its entry, or named there, or the
// list says that it is not whole.
void expect_nothing_lost_silently(const Document& result, const Document& leaf) {
  const json::array* list = get_array(result, "overruled");
  json::object entry;
  bool more = false;
  for (const json::value& element : list == nullptr ? json::array{} : *list) {
    more = more || is_true(element.as_object(), "more");
    if (string_or(element.as_object(), "rev", "") == doc_rev(leaf)) entry = element.as_object();
  }
  for (const char* key : {"name", "color", "notes", "left_out"}) {
    const json::value* value = leaf.if_contains(key);
    // An invitation's is the channel's.
    const bool is_daemons = doc_type(result) == "invitation" && key == std::string_view("name");
    if (value == nullptr || more || is_daemons) continue;
    const json::value* kept = result.if_contains(key);
    const json::array* left_out = get_array(entry, "left_out");
    const bool named =
        left_out != nullptr &&
        std::any_of(left_out->begin(), left_out->end(), [&](const json::value& name) {
          return name == json::value(key) || name == "*";
        });
    EXPECT_TRUE((kept != nullptr && *kept == *value) || entry.contains(key) || named)
        << key << " of " << doc_rev(leaf);
  }
}

TEST(Conflict, ComesToTheSameInAnyOrderTwiceAndLosesNothingSilently) {
  RandomLeaves random(20240501);
  int settled = 0;
  for (int round = 0; round < 500; ++round) {
    std::vector<Document> leaves = random();
    const auto result = resolve_control_conflict(leaves);
    for (int i = 0; i < 5; ++i) {
      std::shuffle(leaves.begin(), leaves.end(), random.generator());
      const auto again = resolve_control_conflict(leaves);
      ASSERT_EQ(again.has_value(), result.has_value());
      if (result) {
        ASSERT_EQ(json::serialize(*again), json::serialize(*result));
      }
    }
    if (!result) continue;
    ++settled;
    for (const Document& leaf : leaves) expect_nothing_lost_silently(*result, leaf);

    // Saved on the winner: beside the same losers it is as it should be.
    const auto winner = std::find_if(leaves.begin(), leaves.end(), [&](const Document& leaf) {
      return doc_rev(leaf) == doc_rev(*result);
    });
    ASSERT_NE(winner, leaves.end());
    const std::size_t before = size_without(*winner, "");
    *winner = *result;
    (*winner)["_rev"] = std::to_string(parse_rev(doc_rev(*result)).generation + 1) + "-f";
    const auto twice = resolve_control_conflict(leaves);
    ASSERT_TRUE(twice.has_value());
    ASSERT_TRUE(same_content(*twice, *winner)) << json::serialize(*twice) << "\n"
                                               << json::serialize(*winner);

    ASSERT_LE(size_without(*result, ""), std::max<std::size_t>(before, 28000));
    if (const json::value* list = result->if_contains("overruled")) {
      ASSERT_LE(extent_of(*list).levels, 19);
      ASSERT_LE(list->as_array().size(), 11U);
      ASSERT_LE(extent_of(*list).characters, 8100U);
    }
  }
  EXPECT_GT(settled, 250);
}

}  // namespace
}  // namespace channels
