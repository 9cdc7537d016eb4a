#include "workflows/mail_slots.h"

#include <algorithm>

namespace channels {

namespace {

constexpr seconds hour{3600};

// Before anything refers to one of them: a new member moves the others.
void ensure_lists(Document& record) {
  for (const char* key : {"mails", "collective"}) {
    if (get_array(record, key) == nullptr) record[key] = json::array();
  }
}

void drop_older(json::array& entries, WallTime limit) {
  json::array kept;
  for (json::value& entry : entries) {
    const json::object* object = entry.if_object();
    const auto at = object == nullptr ? std::nullopt : parse_time(string_or(*object, "at", ""));
    if (at && *at > limit) kept.push_back(std::move(entry));
  }
  entries = std::move(kept);
}

const json::object* entry_of(const json::array& entries, std::string_view device_id) {
  for (const json::value& entry : entries) {
    if (get_string(entry.as_object(), "device") == device_id) return &entry.as_object();
  }
  return nullptr;
}

}  // namespace

MailSlot take_mail_slot(Document& address_record, const std::string& device_id, int mails_an_hour,
                        seconds ttl, WallTime now) {
  ensure_lists(address_record);
  json::array& mails = address_record["mails"].as_array();
  drop_older(mails, now - hour);
  json::array& collective = address_record["collective"].as_array();
  drop_older(collective, now - std::max(ttl, hour));

  if (entry_of(mails, device_id) != nullptr) return {MailSlot::Kind::own, 1};
  if (const json::object* sent = entry_of(collective, device_id))
    return {MailSlot::Kind::collective, int_or(*sent, "number", 1)};

  const std::string time = format_time(now);
  if (mails.size() < static_cast<std::size_t>(mails_an_hour)) {
    mails.push_back(json::object{{"device", device_id}, {"at", time}});
    return {MailSlot::Kind::own, 1};
  }
  const auto is_recent = [&](const json::value& entry) {
    return *parse_time(string_or(entry.as_object(), "at", "")) > now - hour;
  };
  if (std::any_of(collective.begin(), collective.end(), is_recent))
    return {MailSlot::Kind::none, 0};
  // Numbers never come twice, also when the list was emptied by time.
  const std::int64_t number = int_or(address_record, "collective_mails", 0) + 1;
  collective.push_back(json::object{{"number", number}, {"device", device_id}, {"at", time}});
  address_record["collective_mails"] = number;
  return {MailSlot::Kind::collective, number};
}

bool take_place(Document& record, std::string_view list, const std::string& what, int mails_an_hour, WallTime now) {
  if (get_array(record, list) == nullptr) record[list] = json::array();
  json::array& mails = record[list].as_array();
  drop_older(mails, now - hour);
  if (entry_of(mails, what) != nullptr) return true;
  if (mails.size() >= static_cast<std::size_t>(mails_an_hour)) return false;
  mails.push_back(json::object{{"device", what}, {"at", format_time(now)}});
  return true;
}

std::vector<std::string> places_in(const Document& record, std::string_view list) {
  std::vector<std::string> places;
  if (const json::array* entries = get_array(record, list)) {
    for (const json::value& entry : *entries) {
      if (const json::object* place = entry.if_object()) places.push_back(string_or(*place, "device", ""));
    }
  }
  return places;
}

}  // namespace channels
