#include "base/digest.h"

#include <gtest/gtest.h>

#include "unit/support/text.h"

namespace channels {
namespace {

using namespace std::string_literals;

TEST(Digest, Sha256OfFips180) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {repeated("a", 1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {"\0"s, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
  };
  for (const auto& [data, digest] : cases) EXPECT_EQ(sha256_hex(data), digest);
}

TEST(Digest, HmacOfRfc4231) {
  struct Case {
    std::string key, message, sha256;
  };
  const Case cases[] = {
      {repeated("\x0b", 20), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {repeated("\xaa", 20), repeated("\xdd", 50),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {repeated("\xaa", 131), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const auto& [key, message, sha256] : cases) {
    EXPECT_EQ(hmac_sha256_hex(key, message), sha256);
    EXPECT_EQ(hex(hmac("sha256", key, message)), sha256);
  }
}

// printf message | openssl dgst -HASH -hmac key
TEST(Digest, HmacOfTheHashesThatCouchDbNames) {
  const std::pair<std::string, std::string> cases[] = {
      {"sha", "2088df74d5f2146b48146caf4965377e9d0be3a4"},
      {"sha1", "2088df74d5f2146b48146caf4965377e9d0be3a4"},
      {"md5", "4e4748e62b463521f6775fbf921234b5"},
      {"sha256", "6e9ef29b75fffc5b7abae527d58fdadb2fe42e7219011976917343065f58ed4a"},
      {"", ""},
      {"sha257", ""},
  };
  for (const auto& [hash, digest] : cases)
    EXPECT_EQ(hex(hmac(hash, "key", "message")), digest) << hash;
  EXPECT_EQ(hmac("sha224", "key", "message").size(), 28U);
  EXPECT_EQ(hmac("sha384", "key", "message").size(), 48U);
  EXPECT_EQ(hmac("sha512", "key", "message").size(), 64U);
}

TEST(Digest, Hex) {
  EXPECT_EQ(hex(""), "");
  EXPECT_EQ(hex("\x00\x01\x7f\x80\xff"s.substr(0, 5)), "00017f80ff");
}

TEST(Digest, Base64OfRfc4648) {
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {"", "", ""},
      {"f", "Zg==", "Zg"},
      {"fo", "Zm8=", "Zm8"},
      {"foo", "Zm9v", "Zm9v"},
      {"foob", "Zm9vYg==", "Zm9vYg"},
      {"fooba", "Zm9vYmE=", "Zm9vYmE"},
      {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
      {"\xfb\xff\xfe", "+//+", "-__-"},
      {"\0"s, "AA==", "AA"},
  };
  for (const auto& [bytes, padded, url] : cases) {
    EXPECT_EQ(base64(bytes), padded);
    EXPECT_EQ(base64url(bytes), url);
  }
  EXPECT_FALSE(contains(base64(repeated("x", 500)), "\n"));
}

TEST(Digest, ComparesWholeTexts) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("same", "same"));
  EXPECT_TRUE(equal_in_constant_time("a\0b"s, "a\0b"s));
  for (const auto& [left, right] : {std::pair("a"s, "b"s),
                                    {"same"s, "sane"s},
                                    {"same"s, "samE"s},
                                    {"Same"s, "same"s},
                                    {"same"s, "sam"s},
                                    {""s, "x"s},
                                    {"a\0b"s, "a\0c"s}}) {
    EXPECT_FALSE(equal_in_constant_time(left, right)) << left << " " << right;
    EXPECT_FALSE(equal_in_constant_time(right, left)) << right << " " << left;
  }
}

TEST(Digest, KnowsLowerHex) {
  EXPECT_TRUE(is_lower_hex("0123456789abcdef", 16));
  EXPECT_TRUE(is_lower_hex("", 0));
  for (const std::string bad : {"", "0", "000", "0G", "0A", "0g", "0 ", "0\n", "0`", "0/", "0:"})
    EXPECT_FALSE(is_lower_hex(bad, 2)) << bad;
}

}  // namespace
}  // namespace channels
