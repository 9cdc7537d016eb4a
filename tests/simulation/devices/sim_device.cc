#include "simulation/devices/sim_device.h"

#include <openssl/evp.h>

#include "base/digest.h"
#include "base/errors.h"
#include "simulation/devices/names.h"
#include "workflows/device_documents.h"

namespace channels::simulation {

namespace {

constexpr int most_identities = 4;

std::string derived_key(const std::string& secret, const std::string& salt) {
  std::string key(20, '\0');
  PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()), 1, EVP_sha1(),
                    static_cast<int>(key.size()), reinterpret_cast<unsigned char*>(key.data()));
  return hex(key);
}

}  // namespace

SimDevice::SimDevice(Surroundings& around, int number, std::string owner, Wish wish)
    : around_(around),
      scheduler_(around.scheduler),
      owner_(std::move(owner)),
      wish_(wish),
      process_{"device-" + std::to_string(number)},
      env_(scheduler_, process_),
      transport_(env_, around.cloud, line_),
      anonymous_(transport_, nobody_, couch_url),
      drawer_transport_(env_, around.drawer),
      drawer_credentials_("admin", "drawer"),
      drawer_server_(drawer_transport_, drawer_credentials_, couch_url),
      actions_left_(1 + static_cast<int>(scheduler_.below(around.people.empty() ? 6 : 30))) {
  local().create(1);
}

void SimDevice::live() {
  env_.sleep(milliseconds(static_cast<long>(scheduler_.below(25000))));
  while (!(around_.winding_down && waits_for().empty())) {
    try {
      step();
    } catch (const Unavailable&) {  // offline, or the server is away: later
    }
    // Now and then it is offline for long.
    const std::uint64_t pause = scheduler_.happens(0.1) ? 60000 : 6000;
    env_.sleep(milliseconds(500 + static_cast<long>(scheduler_.below(pause))));
  }
}

void SimDevice::step() {
  try {
    if (stage_ == Stage::unregistered) return enroll();
    if (stage_ == Stage::waiting) return look();
    if (stage_ == Stage::active) return use();
  } catch (const Refused& refused) {
    check_refusal(refused);
  }
  if (stage_ == Stage::active) look();
}

// It may be locked out, which the handshake then tells.
void SimDevice::check_refusal(const Refused& refused) {
  if (refused.status != 401 && refused.status != 403)
    scheduler_.fail("a device is answered " + std::string(refused.what()));
}

std::string SimDevice::waits_for() {
  if (stage_ == Stage::over) return "";
  if (stage_ != Stage::active) return stage_ == Stage::waiting ? "an answer to its registration" : "its registration";
  if (!synced_) return "a replication";
  for (const json::object& row : local().all_docs({{"startkey", ""}, {"endkey", "~"}, {"include_docs", true}})) {
    const json::object* doc = get_object(row, "doc");
    if (doc != nullptr && is_due_in_control(*doc)) return doc_type(*doc) + " " + doc_id(*doc);
  }
  return "";
}

// --- registering -------------------------------------------------------------------------------

void SimDevice::make_identity() {
  ++identities_;
  secret_ = hex(env_.random_bytes(16));
  const std::string salt = hex(env_.random_bytes(16));
  const std::string key = derived_key(secret_, salt);
  registration_ = {{"type", "device"},
                   {"state", "new"},
                   {"owner", owner_},
                   {"name", "the " + process_.name},
                   {"credential",
                    {{"password_scheme", "pbkdf2"}, {"salt", salt}, {"iterations", 1}, {"derived_key", key}}}};
  id_ = *device_id_for(registration_);
  registration_["_id"] = id_;
  around_.secrets.insert(secret_);
  credentials_ = std::make_unique<BasicCredentials>("device-" + id_, secret_);
  own_ = std::make_unique<Server>(transport_, *credentials_, couch_url);
  scheduler_.trace("registers " + id_.substr(0, 8));
}

void SimDevice::enroll() {
  if (id_.empty()) make_identity();
  if (scheduler_.happens(0.3)) {
    // A carrier's way: the document as it is, by replication.
    Document carried = registration_;
    const std::string hash = sha256_hex(id_).substr(0, 32);
    carried["_rev"] = "1-" + hash;
    carried["_revisions"] = json::object{{"start", 1}, {"ids", {hash}}};
    anonymous_.request("POST", std::string(handshake) + "/_bulk_docs",
                       json::object{{"new_edits", false}, {"docs", {carried}}}, {404});
  } else {
    // 409, 403: an answer was lost, and the document is there or the daemon's already. 404: no daemon has come yet.
    anonymous_.request("PUT", std::string(handshake) + "/" + id_, registration_, {403, 409, 404});
  }
  Database open(anonymous_, handshake);
  if (open.get(id_)) stage_ = Stage::waiting;
}

void SimDevice::look() {
  Database open(anonymous_, handshake);
  const auto doc = open.get(id_);
  if (!doc) {
    // It was there, so it is forgotten: an ended registration is purged after a while.
    if (stage_ == Stage::waiting) ended("forgotten");
    return;
  }
  const std::string state = doc_state(*doc);
  if (state == "confirming") return answer_mail(string_or(*doc, "device_code", ""));
  if (state == "active" && stage_ == Stage::waiting) {
    stage_ = Stage::active;
    control_ = string_or(*doc, "control_database", "");
    if (string_or(*doc, "syncpoint", "") != couch_url + control_ || string_or(*doc, "username", "") != "device-" + id_)
      scheduler_.fail("an active device is not told where to go: " + json::serialize(*doc));
    scheduler_.trace("is active in " + control_.substr(0, 16));
    return;
  }
  if (state == "expired" || state == "rejected" || state == "revoked" || state == "error") ended(state);
}

void SimDevice::ended(const std::string& state) {
  scheduler_.trace("ended: " + state);
  const bool again = (wish_ == Wish::confirm || wish_ == Wish::confirm_alone) && identities_ < most_identities &&
                     (state == "expired" || state == "forgotten");
  stage_ = again ? Stage::unregistered : Stage::over;
  if (again) id_.clear();
}

// --- the person with the mail ------------------------------------------------------------------

void SimDevice::answer_mail(const std::string& device_code) {
  if (wish_ == Wish::ignore) return;
  const std::string answer(wish_ == Wish::not_me          ? answer_not_me
                           : wish_ == Wish::confirm_alone ? answer_yes_alone
                                                          : answer_yes);
  // A link of this device's own, or else the newest for all devices of the address.
  const auto mails = around_.post.to(owner_);
  for (auto mail = mails.rbegin(); mail != mails.rend(); ++mail) {
    const Link link = (*mail)->link;
    const bool own = link.subject == id_;
    const bool for_all = link.subject.size() == 32 && wish_ != Wish::not_me;
    if (!own && !for_all) continue;
    if (scheduler_.happens(0.15)) write_confirm(link, answer, "BBBB-BBBB");  // a typing error
    return write_confirm(link, answer, device_code);
  }
}

void SimDevice::write_confirm(const Link& link, const std::string& answer, const std::string& device_code) {
  const std::string proof = proof_for(link.code, answer, device_code);
  const std::string confirm = confirm_id_for(link.subject, answer, proof);
  const Document doc{{"_id", confirm},     {"type", "confirm"}, {"state", "clicked"},
                     {"device", link.subject}, {"answer", answer},  {"proof", proof}};
  scheduler_.trace("confirms " + id_.substr(0, 8) + " by " + confirm.substr(0, 8) + ": " + answer);
  anonymous_.request("PUT", std::string(handshake) + "/" + confirm, doc, {403, 409});
  tried_.insert(confirm);
}

}  // namespace channels::simulation
