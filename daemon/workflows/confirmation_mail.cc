#include "workflows/confirmation_mail.h"

#include <algorithm>

#include "base/digest.h"
#include "base/errors.h"
#include "mail/address.h"
#include "mail/harmless_name.h"
#include "workflows/device_documents.h"
#include "workflows/letter.h"
#include "workflows/mail_slots.h"

namespace channels {

namespace {

// A new address' record gets a key for links that serve all of its devices.
void ensure_address(Document& address, const Document& device_record, const std::string& new_key) {
  if (address.contains("key")) return;
  address["type"] = "address";
  address["address"] = device_record.at("owner");
  address["key"] = new_key;
}

// The way back from the key in a link for all to its address.
void ensure_address_key(Services& services, const Document& address, const Document& device_record) {
  services.registry.claim({{"_id", "addresskey-" + string_or(address, "key", "")},
                           {"type", "addresskey"},
                           {"address", device_record.at("address")}});
}

}  // namespace

std::variant<MailSent, MailRefused, Later> send_confirmation_mail(Services& services, Run& run,
                                                                  MailGate::Pass& pass,
                                                                  const std::string& device_id,
                                                                  const Document& record) {
  const std::string address_id = address_record_id(string_or(record, "address", ""));
  const std::string new_key = hex(services.env.random_bytes(16));
  MailSlot slot;
  const Document address = services.registry.update(address_id, [&](Document& current) {
    const Document before = current;
    ensure_address(current, record, new_key);
    slot = take_mail_slot(current, device_id, services.options.mail_per_address,
                          services.options.confirm_ttl, run.env.wall_now());
    return current != before;
  });
  if (slot.kind == MailSlot::Kind::none) return MailSent{};

  const bool known = address.contains("user");
  const std::string to = string_or(address, "address", "");
  const auto parsed = parse_address(to);
  const std::string domain = parsed ? parsed->domain : "";
  if (!services.mail_limits.admit({device_id, domain, known}, run.env.mono_now()))
    return Later{run.env.wall_now() + MailLimits::retry_delay()};

  const bool own = slot.kind == MailSlot::Kind::own;
  if (!own) ensure_address_key(services, address, record);
  const std::string subject = own ? device_id : string_or(address, "key", "");
  const std::string code = confirm_code(services.registry.codes_key(), subject, slot.number);
  Values values;
  values["device_name"] = harmless_name(string_or(record, "name", ""), known);
  values["link"] = services.options.confirm_url + "#" + subject + "." + code;
  values["hours_valid"] = std::to_string(std::max<std::int64_t>(1, services.options.confirm_ttl.count() / 3600));
  values["known"] = known ? "yes" : "";
  const Letter letter{own ? "confirm" : "collective", string_or(record, "locale", ""), values, to,
                      subject + "\n" + std::to_string(slot.number)};
  try {
    send_letter(services, run, pass, letter);
  } catch (const Refused& refused) {
    if (!is_about_the_mailbox(refused)) throw;
    services.log.info("the mail server refuses an address: " + escaped(refused.what()));
    return MailRefused{"The mail server of this address does not accept mail for it."};
  }
  return MailSent{};
}

std::vector<std::string> collective_codes(Services& services, const Document& address_record,
                                          WallTime now) {
  std::vector<std::string> codes;
  const json::array* sent = get_array(address_record, "collective");
  const std::string key = string_or(address_record, "key", "");
  if (sent == nullptr || key.empty()) return codes;
  for (auto entry = sent->rbegin(); entry != sent->rend(); ++entry) {
    const json::object& mail = entry->as_object();
    const auto at = parse_time(string_or(mail, "at", ""));
    if (at && *at + services.options.confirm_ttl > now)
      codes.push_back(
          confirm_code(services.registry.codes_key(), key, int_or(mail, "number", 0)));
  }
  return codes;
}

void send_notice(Services& services, Run& run, MailGate::Pass& pass, std::string_view kind, const std::string& key,
                 const Document& device_record) {
  const auto address =
      services.registry.get(address_record_id(string_or(device_record, "address", "")));
  if (!address) return;  // erased meanwhile: there is nobody to tell
  Values values;
  values["device_name"] = harmless_name(string_or(device_record, "name", ""), true);
  send_letter(services, run, pass,
              {std::string(kind), string_or(device_record, "locale", ""), values, string_or(*address, "address", ""), key});
}

}  // namespace channels
