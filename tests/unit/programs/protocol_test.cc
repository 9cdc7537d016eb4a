#include <gtest/gtest.h>

#include "programs/lines.h"
#include "programs/messages.h"

namespace channels {
namespace {

template <class T>
T parsed(std::string_view line) {
  auto message = parse_message(line);
  EXPECT_TRUE(message) << line;
  if (!message || !std::holds_alternative<T>(*message)) {
    ADD_FAILURE() << "another message: " << line;
    return {};
  }
  return std::get<T>(*message);
}

Document doc(std::string_view text) {
  return json::parse(text).as_object();
}

TEST(Protocol, AProgramRegistersAndIsReady) {
  EXPECT_EQ(parsed<Registration>(R"(["register", "safe", "order", "*"])"), (Registration{Mode::safe, "order", "*", false}));
  EXPECT_EQ(parsed<Registration>(R"(["register", "unsafe", "order", "paid", {"on_lost": "retry"}])"),
            (Registration{Mode::unsafe, "order", "paid", true}));
  EXPECT_EQ(parsed<Registration>(R"(["register","unsafe","order","paid",{}])"), (Registration{Mode::unsafe, "order", "paid", false}));
  parsed<Ready>(R"(["ready"])");
  const Registration retry{Mode::unsafe, "order", "paid", true};
  EXPECT_EQ(parsed<Registration>(json::serialize(registration_json(retry))), retry);
}

TEST(Protocol, AnAnswerHasItsNumber) {
  const auto save = parsed<SaveAnswer>(R"(["save", 7, {"_id": "a", "state": "b"}])");
  EXPECT_EQ(save.number, 7U);
  EXPECT_EQ(doc_state(save.doc), "b");
  EXPECT_EQ(parsed<KeepAnswer>(R"(["keep", 7])").number, 7U);
  const auto error = parsed<ErrorAnswer>(R"(["error", 7, {"reason": "no stock", "retry_after": 1.2}])");
  EXPECT_EQ(error.failure.reason, "no stock");
  EXPECT_EQ(error.failure.retry_after, seconds(2));
  EXPECT_EQ(parsed<ErrorAnswer>(R"(["error", 7, {}])").failure.retry_after, std::nullopt);
  EXPECT_EQ(parsed<ErrorAnswer>(R"(["error", 7, {"retry_after": -5}])").failure.retry_after, seconds(0));
  EXPECT_EQ(parsed<ErrorAnswer>(R"(["error", 7, {"retry_after": 1e300}])").failure.retry_after, seconds(30L * 86400));
}

TEST(Protocol, ALongReasonIsCutBetweenCharacters) {
  // Half of one would have CouchDB refuse every record that is saved with it.
  const std::string line = R"(["error", 7, {"reason": ")" + std::string(499, 'x') + "\xC3\xA4\xC3\xA4\"}]";
  EXPECT_EQ(parsed<ErrorAnswer>(line).failure.reason, std::string(499, 'x'));
}

TEST(Protocol, ARunMaySayThatItBrokeOff) {
  EXPECT_TRUE(parsed<ErrorAnswer>(R"(["error", 7, {"lost": true}])").lost);
  for (const char* line : {R"(["error", 7, {}])", R"(["error", 7, {"lost": false}])", R"(["error", 7, {"lost": "yes"}])"})
    EXPECT_FALSE(parsed<ErrorAnswer>(line).lost) << line;
}

TEST(Protocol, ALogLineHasALevel) {
  EXPECT_EQ(parsed<LogRequest>(R"(["log", "hello"])").text, "hello");
  EXPECT_EQ(parsed<LogRequest>(R"(["log", "oh", {"level": "error"}])").level, Level::error);
  EXPECT_EQ(parsed<LogRequest>(R"(["log", "oh", {"level": "shout"}])").level, Level::info);
}

TEST(Protocol, WhatIsNoMessageIsSaid) {
  for (const char* line :
       {"", "hello", "{}", "[]", "null", R"(["save"])", R"(["save", 1])", R"(["save", 1, []])", R"(["save", -1, {}])",
        R"(["save", 1.5, {}])", R"(["save", "1", {}])", R"(["save", 1, {}, 2])", R"(["ready", 1])", R"(["register", "safe", "order"])",
        R"(["register", "perhaps", "order", "new"])", R"(["register", "safe", "", "new"])", R"(["register", "safe", 1, "new"])",
        R"(["register", "unsafe", "a", "b", {"on_lost": "x"}])", R"(["register", "unsafe", "a", "b", 1])", R"(["log"])", R"(["log", 1])", R"(["keep"])", R"(["keep", "1"])",
        R"(["keep", 1, {}])",
        R"(["handle", 1, {}])", R"([["save"], 1, {}])", "[\"ready\"] x"}) {
    EXPECT_FALSE(parse_message(line)) << line;
  }
  const auto refused = parse_message("\x1b[31m red \xff");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, R"(it is no message of the protocol: \x1b[31m red \xff)");
}

TEST(Protocol, ARunIsHandedOverInOneLine) {
  Elsewhere::Task task;
  task.database = "orders";
  task.doc = doc(R"({"_id": "a", "text": "x\ny"})");
  task.mode = Mode::unsafe;
  task.attempt = 3;
  task.attempt_key = "key";
  const std::string line = handle_line(5, task, WallTime(seconds(1714566896)), "AuthSession=c");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(json::parse(line), json::parse(R"(["handle", 5, {"db": "orders", "mode": "unsafe", "attempt": 3, "attempt_key": "key",
      "deadline": "2024-05-01T12:34:56Z", "cookie": "AuthSession=c", "doc": {"_id": "a", "text": "x\ny"}}])"));
  EXPECT_EQ(cancel_line(5), "[\"cancel\",5]\n");
}

TEST(Protocol, OnlyTheSameDocumentIsSavedAndOnItsRevision) {
  const Document sent = doc(R"({"_id": "a", "_rev": "1-x", "state": "new"})");
  const Outcome saved = outcome_of_save(sent, doc(R"({"_id": "a", "_rev": "9-forged", "state": "done"})"));
  ASSERT_TRUE(std::holds_alternative<Save>(saved));
  EXPECT_EQ(doc_rev(std::get<Save>(saved).doc), "1-x");
  EXPECT_TRUE(std::holds_alternative<Keep>(outcome_of_save(sent, sent)));
  // As JavaScript writes it, where 1.0 is 1.
  const Document numbers = doc(R"({"_id": "a", "n": [1.0, {"m": 2e3}]})");
  EXPECT_TRUE(std::holds_alternative<Keep>(outcome_of_save(numbers, doc(R"({"_id": "a", "n": [1, {"m": 2000}]})"))));
  EXPECT_TRUE(std::holds_alternative<Save>(outcome_of_save(numbers, doc(R"({"_id": "a", "n": [1, {"m": 2001}]})"))));
  EXPECT_TRUE(std::holds_alternative<Failed>(outcome_of_save(sent, doc(R"({"_id": "b", "state": "done"})"))));
  EXPECT_TRUE(std::holds_alternative<Failed>(outcome_of_save(sent, doc(R"({"state": "done"})"))));
  EXPECT_TRUE(std::holds_alternative<Failed>(outcome_of_save(sent, doc(R"({"_id": "a", "_mine": 1})"))));
  EXPECT_TRUE(std::holds_alternative<Save>(outcome_of_save(sent, doc(R"({"_id": "a", "_deleted": true})"))));
}

TEST(Lines, BytesComeInAnyPieces) {
  Lines lines(10);
  EXPECT_TRUE(lines.add("on").empty());
  EXPECT_EQ(lines.add("e\ntwo\nth"), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(lines.rest(), "th");
  EXPECT_EQ(lines.add("ree\n\n"), (std::vector<std::string>{"three", ""}));
  EXPECT_FALSE(lines.overflown());
}

TEST(Lines, ALineBeyondTheLimitIsTheEnd) {
  Lines lines(4);
  EXPECT_EQ(lines.add("1234\n12345\nx\n"), (std::vector<std::string>{"1234"}));
  EXPECT_TRUE(lines.overflown());
  Lines growing(4);
  growing.add("123");
  EXPECT_FALSE(growing.overflown());
  growing.add("45");
  EXPECT_TRUE(growing.overflown());
}

}  // namespace
}  // namespace channels
