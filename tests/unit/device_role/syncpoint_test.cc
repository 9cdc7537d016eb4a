#include "device_role/syncpoint.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

constexpr const char* cloud = "https://sync.example.com/";
constexpr const char* channel_id = "0123456789abcdef";

TEST(Syncpoint, IsTheUrlOfRegistrationPlusOneSegmentThatEndsInTheId) {
  EXPECT_TRUE(accepts_syncpoint(cloud, "https://sync.example.com/channel-0123456789abcdef", channel_id));
  EXPECT_TRUE(
      accepts_syncpoint(cloud, "https://sync.example.com/t1%2Fchannel-0123456789abcdef", channel_id));
}

TEST(Syncpoint, OfAnotherServerPathOrIdIsRefused) {
  for (const char* url : {
           "http://sync.example.com/channel-0123456789abcdef",
           "https://sync.example.com:6984/channel-0123456789abcdef",
           "https://sync.example.com.evil.example/channel-0123456789abcdef",
           "https://evil.example/channel-0123456789abcdef",
           "https://sync.example.com@evil.example/channel-0123456789abcdef",
           "https://sync.example.com/a/channel-0123456789abcdef",
           "https://sync.example.com//channel-0123456789abcdef",
           "https://sync.example.com/../channel-0123456789abcdef",
           "https://sync.example.com/channel-0123456789abcdef/",
           "https://sync.example.com/channel-0123456789abcdef?x=-0123456789abcdef",
           "https://sync.example.com/channel-0123456789abcdef#-0123456789abcdef",
           "https://sync.example.com/channel-0123456789abcdee",
           "https://sync.example.com/channel0123456789abcdef",
           "https://sync.example.com/-0123456789abcdef",
           "https://sync.example.com/0123456789abcdef",
           "https://sync.example.com/",
           "",
       }) {
    EXPECT_FALSE(accepts_syncpoint(cloud, url, channel_id)) << url;
  }
  EXPECT_FALSE(accepts_syncpoint(cloud, "https://sync.example.com/channel-", ""));
}

TEST(CloudUrl, IsBroughtToTheFormOfSyncpoints) {
  EXPECT_EQ(*parse_cloud_url("HTTPS://Sync.Example.com"), "https://sync.example.com/");
  EXPECT_EQ(*parse_cloud_url("https://example.com/Couch"), "https://example.com/Couch/");
  EXPECT_EQ(*parse_cloud_url("http://[::1]:5984/"), "http://[::1]:5984/");
}

TEST(CloudUrl, WithALogInQueryOrWithoutAHostIsInvalid) {
  for (const char* url : {"", "sync.example.com", "ftp://sync.example.com", "https://",
                          "https:///x", "https://me:pw@sync.example.com/",
                          "https://sync.example.com/?a", "https://sync.example.com/#a",
                          "https://sync example.com/", "https://sync.example.com\\evil.example/"})
    EXPECT_FALSE(parse_cloud_url(url).has_value()) << url;
}

TEST(CloudUrl, TravelsInClearUnlessItIsEncryptedOrThisMachine) {
  EXPECT_TRUE(travels_in_clear("http://sync.example.com/"));
  EXPECT_TRUE(travels_in_clear("http://127.0.0.1.example.com/"));
  EXPECT_TRUE(travels_in_clear("http://localhost.example.com/"));
  EXPECT_FALSE(travels_in_clear("https://sync.example.com/"));
  EXPECT_FALSE(travels_in_clear("http://127.0.0.1:5984/"));
  EXPECT_FALSE(travels_in_clear("http://localhost/"));
}

}  // namespace
}  // namespace channels
