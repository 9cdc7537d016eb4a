#include "workflows/invitation_documents.h"

#include <initializer_list>

#include "base/digest.h"
#include "workflows/audit.h"

namespace channels {

namespace {

constexpr std::string_view prefix = "invitation-";

void put_right(const Document& record, Document& copy, std::initializer_list<const char*> keys) {
  copy["type"] = "invitation";
  for (const char* key : keys) {
    if (const json::value* value = record.if_contains(key)) copy[key] = *value;
    else copy.erase(key);
  }
}

}  // namespace

std::string invitation_id(std::string_view inviter, std::string_view document_id) {
  return std::string(prefix) + sha256_hex(std::string(inviter) + "\n" + std::string(document_id));
}

bool is_invitation_id(std::string_view id) {
  return id.starts_with(prefix) && is_lower_hex(id.substr(prefix.size()), 64);
}

std::string shown_state(const Document& record) {
  const std::string state = doc_state(record);
  return state == "accepting" ? "sent" : state;
}

void note_invitation(Document& record, std::string_view what, std::string_view by, WallTime now, std::string_view invitee) {
  note_audit(record,
             {"invitation " + std::string(what),
              std::string(by),
              {{"invitation", doc_id(record)},
               {"channel", string_or(record, "channel", "")},
               {"access", string_or(record, "access", "")},
               {"user", invitee}}},
             now);
}

Document inviters_copy(const Document& record, Document doc) {
  put_right(record, doc, {"channel", "access", "expires", "error"});
  doc["state"] = shown_state(record);
  return doc;
}

Document invitees_copy(const Document& record, Document doc) {
  put_right(record, doc, {"_id", "channel", "name", "access", "shows", "from", "expires", "error"});
  const std::string state = shown_state(record);
  doc["state"] = state == "sent" ? "received" : state;
  return doc;
}

}  // namespace channels
