#include "programs/couch_requests.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

bool reads(const std::string& method, const std::string& target) {
  return is_reading(method, parse_target(target));
}

TEST(CouchRequests, QuestionsArePassedOn) {
  for (const char* target : {"/", "/_all_dbs", "/db", "/db/doc?rev=1-x", "/db/_changes?since=0", "/db/_design/d/_view/v", "/db/doc/att"}) {
    EXPECT_TRUE(reads("GET", target)) << target;
    EXPECT_TRUE(reads("HEAD", target)) << target;
  }
  for (const char* target : {"/_dbs_info", "/db/_find", "/db/_all_docs", "/db/_bulk_get", "/db/_changes?filter=_doc_ids", "/db/_explain",
                             "/db/_revs_diff", "/db/_design/d/_view/v", "/db/_design/d/_view/v/queries", "/db/_all_docs/queries",
                             "/db/_partition/p/_find", "//db//_find"})
    EXPECT_TRUE(reads("POST", target)) << target;
}

TEST(CouchRequests, AllElseCountsAsAWrite) {
  for (const char* target : {"/db", "/db/_bulk_docs", "/db/_index", "/db/_purge", "/db/_compact", "/db/_ensure_full_commit", "/_replicate", "/_session",
                             "/db/doc", "/db/_design/d/_update/f", "/db/_find/x", "/_find", "/db/_design/_find", "/db/_view_cleanup",
                             "/db/_bulk_docs/_find", "/_node/_local/_restart", "/_cluster_setup"})
    EXPECT_FALSE(reads("POST", target)) << target;
  for (const char* method : {"PUT", "DELETE", "COPY", "PATCH", "get", ""}) EXPECT_FALSE(reads(method, "/db/_find")) << method;
}

TEST(CouchRequests, AnUpdateFunctionIsAWriteByAnyMethodAndSpelling) {
  for (const char* target : {"/db/_design/d/_update/f", "/db/_design/d/_update/f/doc", "/db/_design%2Fd/_update/f", "/db/_design/d/%5Fupdate/f",
                             "/db/_design/d/_rewrite/x", "/db/_design%2fd%2f_update%2ff"})
    EXPECT_FALSE(reads("GET", target)) << target;
}

TEST(CouchRequests, APathNamesADocument) {
  const auto document = [](const char* target) { return document_of(parse_target(target)); };
  EXPECT_EQ(document("/db/a%2Fb?x=1"), "a/b");
  EXPECT_EQ(document("/db/_design/d"), "_design/d");
  EXPECT_EQ(document("/db/_design%2Fd"), "_design/d");
  EXPECT_EQ(document("/db/_local/l"), "_local/l");
  for (const char* target : {"/db", "/db/_security", "/db/doc/att", "/db/_design/d/_view/v"}) EXPECT_EQ(document(target), "") << target;
}

TEST(CouchRequests, AParameterIsDecoded) {
  const RequestTarget target = parse_target("/db/doc?a=1&rev=2-x%20y+z&b");
  EXPECT_EQ(target.parameter("rev"), "2-x y z");
  EXPECT_EQ(target.parameter("b"), "");
  EXPECT_EQ(target.parameter("none"), "");
}

}  // namespace
}  // namespace channels
