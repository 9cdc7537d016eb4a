#include "engine/trace.h"

#include <gtest/gtest.h>

#include "unit/support/fake_couch.h"
#include "unit/support/fake_env.h"

namespace channels {
namespace {

using Traced = TraceLine::Outcome;

TraceLine line(Mode mode, Traced outcome, std::string detail = {}) {
  return {"shop", "a", "1-x", "order/new", mode, 1, milliseconds(7), outcome, std::move(detail)};
}

class TraceTest : public testing::Test {
 protected:
  std::vector<std::string> kept(Trace& trace) {
    std::vector<std::string> outcomes;
    for (const Document& doc : trace.take()) outcomes.push_back(string_or(doc, "mode", "") + " " + string_or(doc, "outcome", ""));
    return outcomes;
  }
  FakeEnv env_;
};

using Strings = std::vector<std::string>;

TEST_F(TraceTest, FailuresAndUnsafeRunsAreKeptOfAll) {
  Trace trace(env_, {}, "0123456789abcdef");
  for (const Mode mode : {Mode::safe, Mode::unsafe}) {
    for (const Traced outcome :
         {Traced::saved, Traced::kept, Traced::later, Traced::overtaken, Traced::failed, Traced::parked})
      trace.add(line(mode, outcome, "x"));
  }
  EXPECT_EQ(kept(trace), (Strings{"safe failed", "safe parked", "unsafe saved", "unsafe kept", "unsafe overtaken",
                                  "unsafe failed", "unsafe parked"}));
}

TEST_F(TraceTest, AllRunsAreKeptWhereThatIsWanted) {
  TraceOptions options;
  options.all = true;
  Trace trace(env_, options, "0123456789abcdef");
  trace.add(line(Mode::safe, Traced::saved, "done"));
  trace.add(line(Mode::safe, Traced::later, "2024-05-01T12:34:56Z"));
  const std::vector<Document> lines = trace.take();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(string_or(lines[0], "state", ""), "done");
  EXPECT_EQ(string_or(lines[1], "due", ""), "2024-05-01T12:34:56Z");
  EXPECT_EQ(string_or(lines[0], "time", ""), "2024-05-01T12:39:12Z");
  EXPECT_EQ(string_or(lines[0], "until", ""), "2024-05-08T12:39:12Z");
  EXPECT_EQ(int_or(lines[0], "took_ms", 0), 7);
  EXPECT_LT(doc_id(lines[0]), doc_id(lines[1]));
}

TEST_F(TraceTest, AFloodIsCutAndCountedAndLeavesRoomForFailures) {
  TraceOptions options;
  options.all = true;
  Trace trace(env_, options, "0123456789abcdef");
  for (int i = 0; i < 10000; ++i) trace.add(line(Mode::safe, Traced::saved, "done"));
  const std::size_t ordinary = trace.take().size();
  EXPECT_LT(ordinary, 3000U);
  trace.add(line(Mode::safe, Traced::failed, "why"));
  const auto failures = trace.take();
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(int_or(failures[0], "left_out", 0), static_cast<std::int64_t>(10000 - ordinary));
  for (int i = 0; i < 10000; ++i) trace.add(line(Mode::unsafe, Traced::failed, "why"));
  EXPECT_LT(trace.take().size(), 5001U);
  env_.advance(seconds(10));
  for (int i = 0; i < 100; ++i) trace.add(line(Mode::unsafe, Traced::failed, "why"));
  EXPECT_LT(trace.take().size(), 22U);
}

TEST_F(TraceTest, AReasonOfStrangeBytesIsTextThatCouchTakes) {
  Trace trace(env_, {}, "0123456789abcdef");
  trace.add(line(Mode::safe, Traced::failed, std::string(499, 'x') + "\xC3\xA4" + "y"));
  trace.add(line(Mode::safe, Traced::failed, "a\xFF" "b"));
  const auto lines = trace.take();
  EXPECT_EQ(string_or(lines[0], "reason", ""), std::string(499, 'x'));
  EXPECT_EQ(string_or(lines[1], "reason", ""), "a\xEF\xBF\xBD" "b");
}

TEST_F(TraceTest, ARecordIsSmallWhateverTheIdIs) {
  Trace trace(env_, {}, "0123456789abcdef");
  TraceLine large = line(Mode::safe, Traced::failed, std::string(1 << 20, 'x'));
  large.id = std::string(1 << 20, 'y');
  trace.add(large);
  EXPECT_LT(json::serialize(trace.take().at(0)).size(), 3000U);
}

TEST_F(TraceTest, WhatCouldNotBeWrittenComesFirstNextTime) {
  Trace trace(env_, {}, "0123456789abcdef");
  trace.add(line(Mode::unsafe, Traced::saved, "1"));
  auto lines = trace.take();
  trace.add(line(Mode::unsafe, Traced::saved, "2"));
  trace.put_back(std::move(lines));
  lines = trace.take();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(string_or(lines[0], "state", ""), "1");
}

}  // namespace
}  // namespace channels
