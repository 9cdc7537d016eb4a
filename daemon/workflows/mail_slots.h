// Who gets which mail within the hour, kept in an address' record. Pure; confirmation_mail.cc puts
// it into an update of the registry.
//
//   "mails":      [{"device": "<id>", "at": "<time>"}, ...]    own mails of the last hour
//   "collective": [{"number": 3, "device": "<id>", "at": "<time>"}, ...]   mails with one link for all
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "couch/document.h"

namespace channels {

struct MailSlot {
  enum class Kind {
    own,         // a mail about this device
    collective,  // one link for all of the address' pending devices
    none         // such a mail went out within the hour: its link serves this device as well
  };
  Kind kind = Kind::own;
  std::int64_t number = 1;  // of the collective mail: part of its code
};

// Gives the device its slot and writes it into the address' record; a device that has one gets the
// same again. What is older than `ttl` leaves the record.
MailSlot take_mail_slot(Document& address_record, const std::string& device_id, int mails_an_hour,
                        seconds ttl, WallTime now);

// A place for the mail of `what` among the hour's, kept as above in that list of a record: at most so many; what has one
// keeps it. False: none is free.
bool take_place(Document& record, std::string_view list, const std::string& what, int mails_an_hour, WallTime now);
// What has a place there; what is older than an hour, too, until another takes one.
std::vector<std::string> places_in(const Document& record, std::string_view list);

}  // namespace channels
