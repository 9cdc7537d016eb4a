// The pure parts of a rollout: versions, what to do with a document, waves, pace.
#include <gtest/gtest.h>

#include "unit/support/cases.h"
#include "workflows/rollout/channel_template.h"
#include "workflows/rollout/pace.h"
#include "workflows/rollout/rollout_state.h"
#include "workflows/rollout/template_steps.h"

namespace channels {
namespace {

json::object row(Document doc) {
  const std::string id = doc_id(doc);
  doc["_rev"] = "1-" + id;
  return {{"id", id}, {"key", id}, {"doc", std::move(doc)}};
}

ChannelTemplate template_with(const std::vector<json::object>& rows) {
  const auto made = template_of(rows);
  EXPECT_TRUE(made) << made.error().reason;
  return made ? *made : ChannelTemplate{};
}

// --- Versions

TEST(ChannelTemplate, ContentIsKnownWhateverTheOrderAndTheRevision) {
  const Document doc{{"_id", "a"}, {"_rev", "1-x"}, {"one", 1}, {"deep", {{"b", 1}, {"a", {1, 2}}}}};
  const Document same{{"deep", {{"a", {1, 2}}, {"b", 1}}}, {"_rev", "7-y"}, {"one", 1}, {"_id", "b"}};
  EXPECT_EQ(content_digest(doc), content_digest(same));
  EXPECT_NE(content_digest(doc), content_digest({{"one", 1}, {"deep", {{"b", 1}, {"a", {2, 1}}}}})) << "an array has an order";
  EXPECT_NE(content_digest({{"one", 1}}), content_digest({{"one", "1"}}));
}

TEST(ChannelTemplate, AttachmentsCountByDigestAndType) {
  const auto with = [](const char* type, const char* digest, Document more) {
    more["content_type"] = type;
    more["digest"] = digest;
    return content_digest({{"_attachments", {{"x.txt", more}}}});
  };
  EXPECT_EQ(with("text/plain", "md5-a", {{"stub", true}, {"revpos", 1}}), with("text/plain", "md5-a", {{"data", "aGk="}, {"revpos", 9}}));
  EXPECT_NE(with("text/plain", "md5-a", {}), with("text/plain", "md5-b", {}));
  EXPECT_NE(with("text/plain", "md5-a", {}), with("text/html", "md5-a", {}));
}

TEST(ChannelTemplate, HoldsAllButTheDaemonsOwn) {
  const ChannelTemplate made = template_with({row({{"_id", "_design/app"}, {"views", json::object()}}), row({{"_id", "_design/channels"}}),
                                              row({{"_id", "_design/app.next"}}), row({{"_id", "description"}}), row({{"_id", "hello.next"}})});
  ASSERT_EQ(made.docs.size(), 2U);
  EXPECT_FALSE(made.docs.at("_design/app").doc.contains("_rev"));
  EXPECT_TRUE(made.docs.contains("hello.next"));
  EXPECT_EQ(template_with({row({{"_id", "description"}})}).version, "");
}

TEST(ChannelTemplate, HasAVersionByIdsAndContents) {
  const std::string one = template_with({row({{"_id", "a"}, {"n", 1}})}).version;
  EXPECT_EQ(one.size(), 32U);
  EXPECT_NE(one, template_with({row({{"_id", "b"}, {"n", 1}})}).version);
  EXPECT_NE(one, template_with({row({{"_id", "a"}, {"n", 2}})}).version);
}

TEST(ChannelTemplate, IsRefusedWhenItIsTooMuchForEveryChannel) {
  std::vector<json::object> many;
  for (std::size_t n = 0; n <= most_template_docs; ++n) many.push_back(row({{"_id", "doc" + std::to_string(n)}}));
  EXPECT_FALSE(template_of(many));
  many.pop_back();
  EXPECT_TRUE(template_of(many));
  EXPECT_FALSE(template_of({row({{"_id", "a"}, {"text", std::string(largest_template, 'x')}})}));
}

TEST(ChannelTemplate, OnlyWhatAnIndexIsMadeFromMakesAnother) {
  const Document design{{"views", {{"a", {{"map", "function (doc) {}"}}}}}, {"language", "javascript"}, {"validate_doc_update", "x"}};
  Document other = design;
  other["validate_doc_update"] = "y";
  EXPECT_EQ(index_part(design), index_part(other));
  other["options"] = {{"local_seq", true}};
  EXPECT_NE(index_part(design), index_part(other));
  EXPECT_TRUE(index_part({{"views", {{"lib", {{"a", "exports.a = 1"}}}}}}).empty());
}

TEST(TemplateHistory, KnowsTwentyVersions) {
  Document templates;
  for (int n = 0; n < 22; ++n) {
    note_version(templates, template_with({row({{"_id", "a"}, {"n", n}}), row({{"_id", "b" + std::to_string(n)}})}), "T");
  }
  const TemplateHistory history(templates);
  const auto digest = [](int n) { return content_digest({{"n", n}}); };
  EXPECT_FALSE(history.ever_had("a", digest(1)));
  EXPECT_TRUE(history.ever_had("a", digest(2)));
  EXPECT_FALSE(history.ever_had("b2", digest(2)));
  const std::string last = template_with({row({{"_id", "a"}, {"n", 21}}), row({{"_id", "b21"}})}).version;
  EXPECT_TRUE(history.had(last, "b21"));
  EXPECT_FALSE(history.had(last, "b20"));
  EXPECT_TRUE(history.had("forgotten", "b20")) << "taken for had";
  EXPECT_FALSE(history.had("", "a")) << "a channel that never had any";
}

// --- One document

Compared live(const char* found, bool is_templates) {
  Compared doc;
  doc.there = Compared::There::live;
  doc.found = found;
  doc.is_templates = is_templates;
  return doc;
}

TEST(TemplateStep, OfANewDocumentIsToPutIt) {
  EXPECT_EQ(decide({.wanted = "v1"}).step, TemplateStep::put);
  EXPECT_EQ(decide({}).step, TemplateStep::leave);
}

TEST(TemplateStep, OfAnUnchangedOneIsToReplaceOrRemoveIt) {
  Compared doc = live("v1", true);
  doc.was_had = true;
  EXPECT_EQ(decide(doc).step, TemplateStep::remove);
  doc.wanted = "v2";
  EXPECT_EQ(decide(doc).step, TemplateStep::put);
  doc.wanted = "v1";
  EXPECT_EQ(decide(doc).step, TemplateStep::leave);
}

TEST(TemplateStep, OfAChangedOneIsToKeepIt) {
  Compared doc = live("mine", false);
  doc.was_had = true;
  doc.wanted = "v2";
  EXPECT_EQ(decide(doc).step, TemplateStep::keep);
  EXPECT_EQ(word_of(decide(doc).why), "changed");
  doc.wanted = "";
  EXPECT_EQ(decide(doc).step, TemplateStep::keep) << "removed from the template";
  doc.was_had = false;
  EXPECT_EQ(decide(doc).step, TemplateStep::leave) << "nothing of the template's";
  doc.wanted = "v2";
  EXPECT_EQ(word_of(decide(doc).why), "taken");
}

TEST(TemplateStep, OfADeletedOneAsksWhoDeletedIt) {
  Compared doc{.wanted = "v2", .was_had = true, .there = Compared::There::deleted};
  EXPECT_EQ(decide(doc).step, TemplateStep::keep);
  EXPECT_EQ(word_of(decide(doc).why), "deleted");
  doc.deleted_by_us = true;
  EXPECT_EQ(decide(doc).step, TemplateStep::put);
  doc.wanted = "";
  EXPECT_EQ(decide(doc).step, TemplateStep::leave);
}

// --- Waves

Document running(std::int64_t channels) {
  Document rollout{{"_id", "rollout"}};
  begin_rollout(rollout, "v1", channels, now);
  return rollout;
}

RolloutResults results(int good, int bad = 0) {
  RolloutResults results;
  results.visited = good + bad;
  for (int n = 0; n < bad; ++n) results.failures.push_back({"c" + std::to_string(n), "no room"});
  return results;
}

TEST(RolloutWaves, AreOnePercentTenPercentAll) {
  Document rollout = running(1000);
  EXPECT_EQ(left_in_wave(rollout), 10);
  note_results(rollout, results(10), now);
  EXPECT_EQ(int_or(rollout, "wave", 0), 2);
  EXPECT_EQ(left_in_wave(rollout), 90);
  note_results(rollout, results(90), now);
  EXPECT_EQ(int_or(rollout, "wave", 0), 3);
  EXPECT_GT(left_in_wave(rollout), 900);
  note_results(rollout, results(900), now);
  finish_rollout(rollout, now);
  EXPECT_EQ(doc_state(rollout), "done");
}

TEST(RolloutWaves, OfFewChannelsHaveOneAtLeast) {
  Document rollout = running(3);
  EXPECT_EQ(left_in_wave(rollout), 1);
  note_results(rollout, results(1), now);
  EXPECT_EQ(int_or(rollout, "wave", 0), 3) << "that one is a tenth, too";
  Document none = running(0);
  finish_rollout(none, now);
  EXPECT_EQ(doc_state(none), "done");
}

TEST(RolloutWaves, StopWhereMoreThanATenthFails) {
  Document rollout = running(1000);
  note_results(rollout, results(9, 1), now);
  EXPECT_EQ(doc_state(rollout), "running");
  note_results(rollout, results(8, 2), now);
  EXPECT_EQ(doc_state(rollout), "stopped");
  EXPECT_EQ(string_or(rollout, "reason", ""), "2 of the 10 channels of wave 2 failed, the last one with: no room");
}

TEST(RolloutWaves, OfFewChannelsAreJudgedAtTheirEnd) {
  Document rollout = running(500);
  note_results(rollout, results(0, 1), now);
  EXPECT_EQ(doc_state(rollout), "running") << "one of five";
  note_results(rollout, results(4), now);
  EXPECT_EQ(doc_state(rollout), "stopped") << "one of five, at the end";
}

TEST(Rollout, ThatStoppedTriesWhatFailedAgain) {
  Document rollout = running(100);
  note_results(rollout, results(0, 1), now);
  ASSERT_EQ(doc_state(rollout), "stopped");
  const std::string failed = key_of_failed(rollout);
  EXPECT_FALSE(resume_rollout(rollout));
  EXPECT_EQ(doc_state(rollout), "running");
  EXPECT_EQ(left_in_wave(rollout), 1);
  EXPECT_NE(key_of_failed(rollout), failed);
  EXPECT_FALSE(rollout.contains("reason"));
}

TEST(Rollout, IsPausedAndGoesOnWhereItWas) {
  Document rollout = running(1000);
  note_results(rollout, results(4), now);
  EXPECT_FALSE(pause_rollout(rollout));
  note_results(rollout, results(6), now);  // what was under way
  EXPECT_EQ(doc_state(rollout), "paused");
  EXPECT_EQ(int_or(rollout, "wave", 0), 1);
  EXPECT_FALSE(resume_rollout(rollout));
  EXPECT_LE(left_in_wave(rollout), 0);
  note_results(rollout, {}, now);
  EXPECT_EQ(left_in_wave(rollout), 90);
  finish_rollout(rollout, now);
  EXPECT_TRUE(pause_rollout(rollout)) << "done";
  EXPECT_TRUE(resume_rollout(rollout)) << "nothing failed";
}

TEST(Rollout, GoesBackToTheLastVersionThatAllHad) {
  Document rollout = running(10);
  finish_rollout(rollout, now);
  begin_rollout(rollout, "v2", 10, now);
  EXPECT_EQ(string_or(rollout, "before", "?"), "v1");
  begin_rollout(rollout, "v3", 10, now);
  EXPECT_EQ(string_or(rollout, "before", "?"), "v1") << "v2 was never everywhere";
  EXPECT_FALSE(roll_back(rollout, now));
  EXPECT_EQ(string_or(rollout, "version", ""), "v1");
  EXPECT_EQ(string_or(rollout, "template", ""), "v3") << "it does not begin once more";
  EXPECT_EQ(int_or(rollout, "wave", 0), 3);
  EXPECT_TRUE(roll_back(rollout, now)) << "not twice";
  begin_rollout(rollout, "v4", 10, now);
  EXPECT_EQ(string_or(rollout, "before", "?"), "v1");
  EXPECT_FALSE(rollout.contains("back"));
}

TEST(Rollout, OfTheFirstVersionGoesBackToNothing) {
  Document rollout = running(10);
  EXPECT_FALSE(roll_back(rollout, now));
  EXPECT_EQ(string_or(rollout, "version", "?"), "");
}

TEST(Rollout, AsksForAllKeysButItsOwn) {
  Document rollout = running(10);
  const auto waits = [&](const std::string& key) {
    const auto ranges = waiting_ranges(rollout);
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const KeyRange& range) { return key >= range.from && (range.to.empty() || key < range.to); });
  };
  for (const char* key : {"", "v0", "v2", "v0!1", "v1!7", "v2!1"}) EXPECT_TRUE(waits(key)) << key;
  EXPECT_FALSE(waits("v1"));
  EXPECT_FALSE(waits(key_of_failed(rollout)));
  roll_back(rollout, now);
  EXPECT_TRUE(waits("v1"));
  EXPECT_FALSE(waits(""));
}

TEST(Rollout, ReportsSoManyOnly) {
  Document rollout = running(1000);
  RolloutResults many;
  for (int n = 0; n < 150; ++n) many.reports.push_back({"c", "doc" + std::to_string(n), "changed"});
  note_results(rollout, many, now);
  EXPECT_EQ(int_or(rollout, "kept", 0), 150);
  ASSERT_EQ(get_array(rollout, "reports")->size(), 100U);
  EXPECT_EQ(string_or(get_array(rollout, "reports")->back().as_object(), "id", ""), "doc149");
}

// --- Pace

TEST(Pace, GrowsByOneAndIsHalved) {
  Pace pace;
  for (int n = 0; n < 20; ++n) pace.took(milliseconds(5));
  EXPECT_EQ(pace.at_once(), Pace::most_at_once);
  pace.took(milliseconds(60));
  EXPECT_EQ(pace.at_once(), Pace::most_at_once / 2);
  pace.took(milliseconds(5));
  EXPECT_EQ(pace.at_once(), Pace::most_at_once / 2 + 1);
}

TEST(Pace, RestsWhereOneIsTooMuch) {
  Pace pace;
  pace.took(milliseconds(5));
  for (int n = 0; n < 3; ++n) pace.took(milliseconds(500));
  EXPECT_EQ(pace.at_once(), 1);
  const milliseconds rest = pace.rest();
  EXPECT_GT(rest.count(), 0);
  pace.took(milliseconds(500));
  EXPECT_EQ(pace.rest(), rest * 2);
  for (int n = 0; n < 20; ++n) pace.took(milliseconds(500));
  EXPECT_LE(pace.rest(), seconds(5));
  pace.took(milliseconds(5));
  EXPECT_EQ(pace.rest().count(), 0);
  EXPECT_EQ(pace.at_once(), 1) << "first without a rest";
}

TEST(Pace, TakesAServerThatStaysSlowForItsOrdinaryState) {
  Pace pace;
  pace.took(milliseconds(5));
  for (int n = 0; n < 400; ++n) pace.took(milliseconds(200));
  EXPECT_GT(pace.at_once(), 1);
}

}  // namespace
}  // namespace channels
