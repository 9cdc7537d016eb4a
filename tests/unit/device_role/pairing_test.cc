#include "device_role/pairing.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "unit/support/fake_env.h"

namespace channels {
namespace {

Document made(bool allow_wipe = false) {
  FakeEnv env;
  return new_pairing(env, {"https://sync.example.com/", "channels-handshake", "alice@example.com",
                           "a laptop", "en", allow_wipe});
}

Document active_answer(const Document& pairing) {
  const std::string device = string_or(pairing, "device", "");
  return {{"_id", device},
          {"type", "device"},
          {"state", "active"},
          {"user", "a1"},
          {"username", "device-" + device},
          {"control_database", "control-a1"},
          {"syncpoint", "https://sync.example.com/control-a1"}};
}

Document answer(const char* state) {
  return {{"type", "device"}, {"state", state}};
}

// python3: hashlib.pbkdf2_hmac('sha1', b'secret', b'00112233445566778899aabbccddeeff', 1, 20)
TEST(Pairing, MakesTheVerifierThatCouchDbChecks) {
  const json::object verifier = verifier_for("secret", "00112233445566778899aabbccddeeff");
  EXPECT_EQ(verifier.at("derived_key").as_string(), "44a0906a79d980ae8d7fe6a4e6bf223dd87a10af");
  EXPECT_EQ(verifier.at("iterations").as_int64(), 1);
}

TEST(Pairing, ProvesItsIdAndSendsNoSecret) {
  const Document pairing = made();
  const Document doc = device_document(pairing);
  const json::object& credential = doc.at("credential").as_object();
  EXPECT_EQ(doc_id(doc), sha256_hex("alice@example.com\n" + string_or(credential, "salt", "") +
                                    "\n" + string_or(credential, "derived_key", "")));
  EXPECT_EQ(json::serialize(doc).find(string_or(pairing, "secret", "?")), std::string::npos);
  EXPECT_EQ(json::serialize(doc).find(string_or(pairing, "local_secret", "?")), std::string::npos);
  EXPECT_EQ(doc_state(doc), "new");
  EXPECT_EQ(doc.size(),
            7u);  // _id, type, state, owner, name, locale, credential: validation takes no more
}

TEST(Pairing, FollowsTheAnswersUntilItIsActive) {
  Document pairing = made();
  pairing = after_answer(pairing, answer("new"));
  EXPECT_EQ(doc_state(pairing), "new");
  Document confirming = answer("confirming");
  confirming["device_code"] = "BCDF-GHJK";
  pairing = after_answer(pairing, confirming);
  EXPECT_EQ(string_or(pairing, "device_code", ""), "BCDF-GHJK");
  pairing = after_answer(pairing, answer("confirmed"));
  EXPECT_FALSE(pairing.contains("device_code"));
  EXPECT_TRUE(is_pending(pairing));
  pairing = after_answer(pairing, active_answer(pairing));
  EXPECT_TRUE(is_active(pairing));
  EXPECT_EQ(string_or(pairing, "user", ""), "a1");
}

TEST(Pairing, IsNotTakenBackByACopyThatSaysNew) {
  Document pairing = after_answer(made(), answer("confirming"));
  EXPECT_EQ(doc_state(after_answer(pairing, answer("new"))), "confirming");
}

TEST(Pairing, RefusesAnotherServersDatabaseAnotherDevicesNameAndAStrangeUser) {
  const Document pairing = made();
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"syncpoint", "https://evil.example/control-a1"},
           {"username", "device-other"},
           {"user", "../a1"}}) {
    Document bent = active_answer(pairing);
    bent[key] = value;
    const Document next = after_answer(pairing, bent);
    EXPECT_EQ(doc_state(next), "error") << key;
    EXPECT_FALSE(next.contains("user")) << key;
  }
}

TEST(Pairing, DoesNotTakeRevokedFromTheHandshakeAlone) {
  const Document pairing = after_answer(made(), active_answer(made()));
  EXPECT_TRUE(is_active(after_answer(pairing, answer("revoked"))));
}

TEST(Pairing, WipesOnlyIfBothSidesWantIt) {
  Document wish = answer("revoked");
  EXPECT_FALSE(after_revocation(made(true), wish).contains("wipe_due"));
  wish["wipe"] = true;
  EXPECT_FALSE(after_revocation(made(false), wish).contains("wipe_due"));
  const Document revoked = after_revocation(made(true), wish);
  EXPECT_TRUE(is_true(revoked, "wipe_due"));
  EXPECT_FALSE(revoked.contains("secret"));
}

}  // namespace
}  // namespace channels
