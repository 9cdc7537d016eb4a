// Ids, codes and proofs that devices, pages and the daemon must compute alike, and the fields of a
// device's copies. Digests were made with openssl: dgst -sha256, and -hmac KEY.
#include "workflows/device_documents.h"

#include <gtest/gtest.h>

#include <map>

#include "base/digest.h"
#include "unit/support/text.h"

namespace channels {
namespace {

const std::string salt = "00112233445566778899aabbccddeeff";
const std::string derived_key = "0123456789abcdef0123456789abcdef01234567";
// printf 'alice@example.com\n%s\n%s' SALT DERIVED_KEY | openssl dgst -sha256
const std::string id = "17a15fb2dc0e4ce7534615aa011006f7033cbfeb70ba5a902f732ea322ffd652";
// printf '%s\n1' ID | openssl dgst -sha256 -hmac codes-key
const std::string code = "0a792c1d540292719c2a1b8d30a267d64d9f35d5cdc58991999d3882434fd1cc";
// printf 'yes\nBCDFGHJK' | openssl dgst -sha256 -hmac CODE
const std::string yes_proof = "d5bc0c7f2d61c142a171b4eb236380d13a800ff44cb5559aa302354ed192e839";

json::object credential() {
  return {{"password_scheme", "pbkdf2"},
          {"salt", salt},
          {"iterations", 1},
          {"derived_key", derived_key}};
}

Document sent_device() {
  return {{"_id", id},
          {"_rev", "1-a"},
          {"type", "device"},
          {"state", "new"},
          {"owner", "alice@example.com"},
          {"name", "My phone"},
          {"locale", "en"},
          {"credential", credential()}};
}

// --- ids ---

TEST(DeviceId, IsTheDigestOfOwnerAndCredential) {
  EXPECT_EQ(device_id_for(sent_device()), id);
  EXPECT_TRUE(proves_its_id(sent_device()));
}

TEST(DeviceId, IsNotProvenByAnythingElse) {
  const std::pair<std::string, void (*)(Document&)> cases[] = {
      {"another id", [](Document& d) { d["_id"] = std::string(64, 'a'); }},
      {"an id in upper case", [](Document& d) { d["_id"] = "17A15FB2" + id.substr(8); }},
      {"another owner", [](Document& d) { d["owner"] = "eve@example.com"; }},
      {"an owner in other letters", [](Document& d) { d["owner"] = "Alice@example.com"; }},
      {"no owner", [](Document& d) { d.erase("owner"); }},
      {"an owner that is no text", [](Document& d) { d["owner"] = 1; }},
      {"another salt",
       [](Document& d) { d["credential"].as_object()["salt"] = std::string(32, '0'); }},
      {"another key",
       [](Document& d) { d["credential"].as_object()["derived_key"] = std::string(40, '0'); }},
      {"no credential", [](Document& d) { d.erase("credential"); }},
      {"a credential that is no object", [](Document& d) { d["credential"] = "x"; }},
      {"more iterations", [](Document& d) { d["credential"].as_object()["iterations"] = 10; }},
      {"no iterations", [](Document& d) { d["credential"].as_object().erase("iterations"); }},
      {"another scheme",
       [](Document& d) { d["credential"].as_object()["password_scheme"] = "simple"; }},
  };
  for (const auto& [name, spoil] : cases) {
    Document device = sent_device();
    spoil(device);
    EXPECT_FALSE(proves_its_id(device)) << name;
  }
}

// Its id would be right, but CouchDB could not use it, or it would be a field for anything.
TEST(DeviceId, NeedsACredentialOfTheOneForm) {
  const std::pair<std::string, std::string> cases[] = {
      {salt, derived_key + "00"},
      {salt + "00", derived_key},
      {salt, "0123456789ABCDEF0123456789ABCDEF01234567"},
      {"00112233445566778899AABBCCDDEEFF", derived_key},
      {"", ""}};
  for (const auto& [its_salt, its_key] : cases) {
    Document device = sent_device();
    device["credential"].as_object()["salt"] = its_salt;
    device["credential"].as_object()["derived_key"] = its_key;
    device["_id"] = *device_id_for(device);
    EXPECT_FALSE(proves_its_id(device)) << its_salt << " " << its_key;
  }
}

TEST(DeviceId, IsIgnorantOfTheUnprovenFields) {
  Document device = sent_device();
  device["name"] = "somebody else's words";
  device["state"] = "revoked";
  device["more"] = true;
  EXPECT_TRUE(proves_its_id(device));
}

TEST(DeviceId, Has64LowerHexDigits) {
  EXPECT_TRUE(is_device_id(id));
  for (const std::string& bad : {std::string(), id.substr(1), id + "0", "A" + id.substr(1),
                                 "g" + id.substr(1), "_design/x" + id.substr(9)})
    EXPECT_FALSE(is_device_id(bad)) << bad;
}

TEST(ConfirmId, IsTheDigestOfWhatItSays) {
  // printf '%s\nyes\n%s' ID YES_PROOF | openssl dgst -sha256
  EXPECT_EQ(confirm_id_for(id, "yes", yes_proof),
            "8d1be50498584d39a47c64306c05b6a70cd7bd6cb0de8b0d916f3d9960c7d72f");
}

// --- codes ---

TEST(DeviceCode, IsEightLettersWithADash) {
  const std::string bytes("\x00\x01\x02\x03\x04\x05\x06\x13\x14\x15\x16\x17\x18\x19\x1a\x1b", 16);
  EXPECT_EQ(device_code_from(bytes), "BCDF-GHJZ");
}

TEST(DeviceCode, MakesEveryLetterEquallyLikely) {
  std::map<char, int> counts;
  for (int byte = 0; byte < 256; ++byte) {
    // What is cut off gives way to the byte after it, here the letter B.
    const char letter =
        device_code_from(std::string(1, static_cast<char>(byte)) + std::string(15, '\0')).front();
    if (byte < 240) {
      ++counts[letter];
    } else {
      EXPECT_EQ(letter, 'B') << byte;
    }
  }
  std::string letters;
  for (const auto& [letter, count] : counts) {
    letters += letter;
    EXPECT_EQ(count, 12) << letter;
  }
  EXPECT_EQ(letters, "BCDFGHJKLMNPQRSTVWXZ");
}

TEST(DeviceCode, SkipsTheBytesThatAreCutOff) {
  EXPECT_EQ(
      device_code_from("\xf0\xff" + std::string(4, '\x01') + "\xf1\xfe" + std::string(8, '\x02')),
      "CCCC-DDDD");
}

TEST(ConfirmCode, BelongsToKeySubjectAndNumber) {
  EXPECT_EQ(confirm_code("codes-key", id, 1), code);
  EXPECT_NE(confirm_code("codes-key", id, 2), code);
  EXPECT_NE(confirm_code("other-key", id, 1), code);
  EXPECT_NE(confirm_code("codes-key", "other", 1), code);
}

TEST(Proof, IsWhatTheConfirmationPageComputes) {
  EXPECT_EQ(proof_for(code, "yes", "BCDF-GHJK"), yes_proof);
  EXPECT_EQ(proof_for(code, "yes", "BCDFGHJK"), yes_proof);
  EXPECT_EQ(proof_for(code, "yes, sign out all others", "BCDF-GHJK"),
            "b67987aa7a99d9bb9e70a6aadfde48619dc87016e465db4ee88a6d0beb630339");
  // "It wasn't me" is said by somebody who has no code.
  EXPECT_EQ(proof_for(code, "not me", "BCDF-GHJK"),
            "5cbb8b615ea4c60c0a0bf775a469c08597b3fc82ca5b379a0fadc053cb30d9ed");
  EXPECT_EQ(proof_for(code, "not me", ""), proof_for(code, "not me", "BCDF-GHJK"));
}

// --- copies ---

// A record with everything that could ever be in one: a copy takes from it what its state allows.
Document record(std::string_view state) {
  return {{"_id", "device-" + id},
          {"_rev", "7-registry"},
          {"type", "device"},
          {"state", state},
          {"owner", "alice@example.com"},
          {"name", "My phone"},
          {"locale", "en"},
          {"credential", credential()},
          {"device_code", "BCDF-GHJK"},
          {"expires", "2024-05-02T00:00:00Z"},
          {"address", "digest"},
          {"user", "u1"},
          {"created", "2024-05-01T00:00:00Z"},
          {"activated", "2024-05-01T01:00:00Z"},
          {"revoked_at", "2024-05-01T02:00:00Z"},
          {"wipe", true},
          {"tell", "active"},
          {"error", {{"error", "bad_owner"}, {"reason", "One sentence."}}}};
}

const DevicePlaces places{"control-u1", "https://sync.example.com/control-u1"};

Document with(Document doc, const Document& more) {
  for (const auto& [key, value] : more) doc[key] = value;
  return doc;
}

Document base_copy(std::string_view state) {
  return {{"_id", id}, {"type", "device"}, {"state", state}};
}

TEST(HandshakeCopy, HasTheFieldsOfItsState) {
  const std::pair<std::string, Document> cases[] = {
      {"new",
       {{"owner", "alice@example.com"},
        {"name", "My phone"},
        {"locale", "en"},
        {"credential", credential()}}},
      {"confirming", {{"device_code", "BCDF-GHJK"}, {"expires", "2024-05-02T00:00:00Z"}}},
      {"confirmed", {}},
      {"expired", {}},
      {"rejected", {}},
      {"active",
       {{"user", "u1"},
        {"username", "device-" + id},
        {"control_database", "control-u1"},
        {"syncpoint", "https://sync.example.com/control-u1"}}},
      {"revoked", {{"wipe", true}}},
      {"error", {{"error", {{"error", "bad_owner"}, {"reason", "One sentence."}}}}},
  };
  for (const auto& [state, fields] : cases)
    EXPECT_EQ(handshake_copy(record(state), places), with(base_copy(state), fields)) << state;
}

TEST(HandshakeCopy, OfNewHasNoNameIfNoneWasSent) {
  Document nameless = record("new");
  nameless.erase("name");
  nameless.erase("locale");
  EXPECT_EQ(handshake_copy(nameless, places),
            with(base_copy("new"), {{"owner", "alice@example.com"}, {"credential", credential()}}));
}

TEST(HandshakeCopy, SaysWipeOnlyIfItWasAskedFor) {
  Document kept = record("revoked");
  kept.erase("wipe");
  EXPECT_EQ(handshake_copy(kept, places), with(base_copy("revoked"), {{"wipe", false}}));
}

TEST(ControlCopy, HasTheFieldsOfItsState) {
  const Document owned = {{"name", "My phone"},
                          {"user", "u1"},
                          {"username", "device-" + id},
                          {"created", "2024-05-01T00:00:00Z"},
                          {"activated", "2024-05-01T01:00:00Z"},
                          {"revoked_at", "2024-05-01T02:00:00Z"}};
  EXPECT_EQ(control_copy(record("revoked"), {}),
            with(with(base_copy("revoked"), owned), {{"wipe", true}}));
  EXPECT_EQ(control_copy(record("active"), {}), with(base_copy("active"), owned));
}

TEST(ControlCopy, KeepsWhatIsTheUsers) {
  const Document existing = {{"_id", id},           {"_rev", "3-c"},     {"type", "device"},
                             {"state", "active"},   {"name", "Renamed"}, {"colour", "green"},
                             {"nested", {{"x", 1}}}};
  const Document copy = control_copy(record("active"), existing);
  EXPECT_EQ(copy.at("_rev"), "3-c");
  EXPECT_EQ(copy.at("name"), "Renamed");
  EXPECT_EQ(copy.at("colour"), "green");
  EXPECT_EQ(copy.at("nested"), (json::value{{"x", 1}}));
}

TEST(ControlCopy, PutsRightWhatIsTheDaemons) {
  Document plain = record("active");
  for (const char* key : {"activated", "revoked_at", "wipe"}) plain.erase(key);
  const Document forged = {{"_id", "other"},
                           {"type", "channel"},
                           {"state", "confirmed"},
                           {"user", "eve"},
                           {"username", "admin"},
                           {"created", "1970"},
                           {"activated", "1970"},
                           {"revoked_at", "1970"},
                           {"name", 17},
                           {"credential", credential()},
                           {"device_code", "BCDF-GHJK"},
                           {"error", "x"}};
  EXPECT_EQ(control_copy(plain, forged),
            with(base_copy("active"), {{"name", "My phone"},
                                       {"user", "u1"},
                                       {"username", "device-" + id},
                                       {"created", "2024-05-01T00:00:00Z"}}));
}

TEST(Copies, NeverHoldASecret) {
  for (const std::string state :
       {"confirming", "confirmed", "active", "revoked", "expired", "rejected", "error"}) {
    const std::string handshake = json::serialize(handshake_copy(record(state), places));
    EXPECT_FALSE(contains(handshake, derived_key)) << state;
    EXPECT_FALSE(contains(handshake, "alice@example.com")) << state;
    const std::string control = json::serialize(control_copy(record(state), record(state)));
    EXPECT_FALSE(contains(control, derived_key)) << state;
    EXPECT_FALSE(contains(control, "BCDF-GHJK")) << state;
  }
}

}  // namespace
}  // namespace channels
