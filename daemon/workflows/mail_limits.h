// How many mails go out in all: [channels_mail] mail_per_minute. Half of it is kept for known users;
// the rest goes round by domain, newest first, so that a stranger's flood of made-up addresses
// delays nobody for long. In memory and pure but for its lock: a restart forgives a minute.
// Asked by device_new.cc before each mail.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/time.h"

namespace channels {

class MailLimits {
 public:
  explicit MailLimits(int per_minute);

  struct Request {
    std::string device;  // its id
    std::string domain;  // of the address
    bool known = false;  // the address belongs to a user
  };
  // True: send now, it is counted. False: it waits in line; ask again after retry_delay(). One
  // that is admitted while it waits, or does not ask again, loses nothing but its place.
  bool admit(const Request& request, MonoTime now);
  static seconds retry_delay() { return seconds(20); }

 private:
  // Fills up evenly over a minute, to at most a quarter of it at once.
  struct Bucket {
    double rate;  // a second
    double most;
    double level;
    MonoTime filled_at{};
    void fill(MonoTime now);
    bool take();
  };
  void wait_in_line(const Request& request);
  void drop_from_longest_line(const std::string& newcomer);
  void grant_in_turn();

  std::mutex mutex_;
  // All below guarded by mutex_.
  Bucket known_;
  Bucket strangers_;
  std::map<std::string, std::deque<std::string>> lines_;  // domain -> device ids, newest first
  std::string last_domain_;                               // whose turn it was
  std::set<std::string> waiting_;
  std::map<std::string, MonoTime> granted_;  // until when the grant is kept for it
};

}  // namespace channels
