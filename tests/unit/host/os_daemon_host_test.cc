// The host's side of the pipes, as CouchDB's os_daemons manager would hold it.
#include "host/os_daemon_host.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <memory>

#include "unit/support/text.h"

namespace channels {
namespace {

constexpr int patience_ms = 10000;

class OsDaemonHostTest : public testing::Test {
 protected:
  OsDaemonHostTest() {
    // What prepare_signals() does for the program.
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(pipe2(to_program_, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(from_program_, O_CLOEXEC), 0);
    program_ = std::make_unique<OsDaemonHost>(to_program_[0], from_program_[1]);
  }
  ~OsDaemonHostTest() override {
    answer_ends();
    program_.reset();
    close(to_program_[0]);
    close(from_program_[1]);
    if (from_program_[0] >= 0) close(from_program_[0]);
  }

  void answer(std::string_view bytes) {
    ASSERT_EQ(::write(to_program_[1], bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  void answer_ends() {
    if (to_program_[1] >= 0) close(std::exchange(to_program_[1], -1));
  }

  // The next line from the program; "(nothing)" if none comes.
  std::string line(int wait_ms = patience_ms) {
    while (!contains(unread_, "\n")) {
      pollfd ready{from_program_[0], POLLIN, 0};
      if (poll(&ready, 1, wait_ms) <= 0) return "(nothing)";
      char buffer[65536];
      const ssize_t count = ::read(from_program_[0], buffer, sizeof buffer);
      if (count <= 0) return "(nothing)";
      unread_.append(buffer, static_cast<std::size_t>(count));
    }
    const std::size_t end = unread_.find('\n');
    const std::string first = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return first;
  }
  json::value parsed_line() {
    const std::string text = line();
    const auto value = parse_json(text);
    EXPECT_TRUE(value) << text;
    return value ? *value : json::value();
  }

  std::future<Section> ask(std::string name) {
    return std::async(std::launch::async, [this, name] { return program_->section(name); });
  }
  static bool is_waiting(std::future<Section>& asked) {
    return asked.wait_for(milliseconds(0)) == std::future_status::timeout;
  }
  static Section result(std::future<Section>& asked) {
    if (asked.wait_for(milliseconds(patience_ms)) == std::future_status::ready) return asked.get();
    ADD_FAILURE() << "the question was never answered";
    return {};
  }

  int to_program_[2] = {-1, -1};
  int from_program_[2] = {-1, -1};
  std::string unread_;
  std::unique_ptr<OsDaemonHost> program_;
};

TEST_F(OsDaemonHostTest, AsksForASection) {
  auto asked = ask("channels");
  EXPECT_EQ(parsed_line(), (json::value{"get", "channels"}));
  answer("{\"q\": \"2\", \"url\": \"http://x/\"}\n");
  EXPECT_EQ(result(asked), (Section{{"q", "2"}, {"url", "http://x/"}}));
}

TEST_F(OsDaemonHostTest, TakesAnAnswerInPieces) {
  auto asked = ask("channels");
  line();
  for (const char c : std::string("{\"name\": \"caf\u00e9\"}")) answer({&c, 1});
  EXPECT_TRUE(is_waiting(asked));
  answer("\n");
  EXPECT_EQ(result(asked), (Section{{"name", "caf\u00e9"}}));
}

TEST_F(OsDaemonHostTest, TakesALongAnswer) {
  const std::string value = repeated("x", 300000);
  auto asked = ask("channels");
  line();
  answer("{\"long\": \"" + value + "\"}\n");
  EXPECT_EQ(result(asked), (Section{{"long", value}}));
}

TEST_F(OsDaemonHostTest, TakesWhatIsNoObjectForAnEmptySection) {
  for (const std::string text : {"null", "[]", "\"x\"", "", "{\"broken", "ok"}) {
    auto asked = ask("channels");
    line();
    answer(text + "\n");
    EXPECT_EQ(result(asked), Section{}) << text;
  }
}

TEST_F(OsDaemonHostTest, LeavesOutValuesThatSayNothing) {
  auto asked = ask("channels");
  line();
  answer("{\"empty\": \"\", \"number\": 1, \"null\": null, \"q\": \"2\"}\n");
  EXPECT_EQ(result(asked), (Section{{"q", "2"}}));
}

TEST_F(OsDaemonHostTest, AsksOneQuestionAtATime) {
  auto first = ask("one");
  auto second = ask("two");
  for (int i = 0; i < 2; ++i) {
    const json::value question = parsed_line();
    EXPECT_EQ(line(20), "(nothing)");
    const std::string name = json::value_to<std::string>(question.as_array().at(1));
    answer("{\"name\": \"" + name + "\"}\n");
  }
  EXPECT_EQ(result(first), (Section{{"name", "one"}}));
  EXPECT_EQ(result(second), (Section{{"name", "two"}}));
}

TEST_F(OsDaemonHostTest, IsNotConfusedByWhatNobodyAskedFor) {
  auto asked = ask("one");
  line();
  answer("{\"a\": \"1\"}\n{\"stray\": \"1\"}\n");
  EXPECT_EQ(result(asked), (Section{{"a", "1"}}));
  asked = ask("two");
  line();
  answer("{\"b\": \"2\"}\n");
  EXPECT_EQ(result(asked), (Section{{"b", "2"}}));
}

TEST_F(OsDaemonHostTest, Registers) {
  program_->watch("channels_mail");
  EXPECT_EQ(parsed_line(), (json::value{"register", "channels_mail"}));
}

TEST_F(OsDaemonHostTest, EndsWithItsInput) {
  auto asked = ask("channels");
  line();
  auto ended = std::async(std::launch::async, [this] { program_->wait_for_end(); });
  EXPECT_EQ(ended.wait_for(milliseconds(20)), std::future_status::timeout);
  answer_ends();
  EXPECT_EQ(ended.wait_for(milliseconds(patience_ms)), std::future_status::ready);
  EXPECT_EQ(result(asked), Section{});
  EXPECT_EQ(program_->section("channels"),
            Section{});  // nobody is there to answer: not one moment's wait
}

TEST_F(OsDaemonHostTest, EndsWhenNobodyReadsItsOutput) {
  close(std::exchange(from_program_[0], -1));
  program_->log().info("into the void");
  program_->wait_for_end();
}

TEST_F(OsDaemonHostTest, IsAHostThatStartsUsAgain) {
  EXPECT_TRUE(program_->waits_for_better_configuration());
  EXPECT_FALSE(program_->is_trusted());
}

TEST_F(OsDaemonHostTest, LogsByTheProtocol) {
  program_->log().error("quote \" and \\ in it");
  EXPECT_EQ(parsed_line(), (json::value{"log", "quote \" and \\ in it", {{"level", "error"}}}));
  program_->log().debug("left out");
  program_->log().info("fine");
  EXPECT_EQ(parsed_line(), (json::value{"log", "fine", {{"level", "info"}}}));
}

TEST_F(OsDaemonHostTest, LogsPrintableAsciiOnly) {
  program_->log().info("caf\u00e9\r\n\t\x1b[31m\x7f\xff");
  EXPECT_EQ(parsed_line().as_array().at(1), json::value("caf??????[31m??"));
}

TEST_F(OsDaemonHostTest, LogsNoEndlessLine) {
  program_->log().info(repeated("x", 100000));
  EXPECT_EQ(parsed_line().as_array().at(1).as_string().size(), 2000U);
}

// One log line after a flood must say how many are missing, so that the sum is what was written.
TEST_F(OsDaemonHostTest, LimitsAFloodOfLogLinesAndCountsTheRest) {
  constexpr std::size_t written = 5000;
  for (std::size_t i = 0; i < written; ++i) program_->log().info("flood");
  std::size_t shown = 0;
  std::size_t left_out = 0;
  for (std::string text = line(200); text != "(nothing)"; text = line(200)) {
    ++shown;
    const auto at = text.find(" (");
    if (at != text.npos) left_out += std::stoul(text.substr(at + 2));
  }
  // 200 at once and 20 a second: a slow machine may let some more pass.
  EXPECT_GE(shown, 200U);
  EXPECT_LT(shown, 1000U);
  program_->log().info("after it");
  const std::string last = line();
  ASSERT_TRUE(contains(last, "lines before this were left out")) << last;
  left_out += std::stoul(last.substr(last.find(" (") + 2));
  EXPECT_EQ(shown + left_out, written);
}

TEST_F(OsDaemonHostTest, SendsItsLastWords) {
  program_->log().error("the reason");
  program_.reset();
  EXPECT_TRUE(contains(line(), "the reason"));
}

TEST_F(OsDaemonHostTest, EndsThoughItsOutputIsStuck) {
  for (int i = 0; i < 150; ++i)
    program_->log().info(repeated("x", 2000));  // much more than a pipe holds
  auto gone = std::async(std::launch::async, [this] { program_.reset(); });
  EXPECT_EQ(gone.wait_for(seconds(5)), std::future_status::ready);
  while (gone.wait_for(milliseconds(0)) != std::future_status::ready) line(100);
}

TEST_F(OsDaemonHostTest, EndsBySigterm) {
  sigset_t sigterm;
  sigemptyset(&sigterm);
  sigaddset(&sigterm, SIGTERM);
  program_.reset();
  prepare_signals();  // before the first thread
  program_ = std::make_unique<OsDaemonHost>(to_program_[0], from_program_[1]);
  auto ended = std::async(std::launch::async, [this] { program_->wait_for_end(); });
  EXPECT_EQ(ended.wait_for(milliseconds(20)), std::future_status::timeout);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(ended.wait_for(milliseconds(patience_ms)), std::future_status::ready);
  // It stays pending, as in the program; the next test wants none.
  const timespec at_once{};
  sigtimedwait(&sigterm, nullptr, &at_once);
}

TEST_F(OsDaemonHostTest, QuestionsPassAFullLog) {
  for (int i = 0; i < 1000; ++i) program_->log().info("flood");
  auto asked = ask("channels");
  for (std::string text = line(); !contains(text, "\"get\""); text = line())
    ASSERT_NE(text, "(nothing)");
  answer("{\"q\": \"2\"}\n");
  EXPECT_EQ(result(asked), (Section{{"q", "2"}}));
}

}  // namespace
}  // namespace channels
