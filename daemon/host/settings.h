// The program's configuration, read once at the start: [channels] and [channels_mail] as the operator wrote
// them, made into types, with the defaults of couch_config/channels.ini. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/parsed.h"
#include "base/time.h"
#include "host/ini.h"

namespace channels {

struct MailSettings {
  std::string server = "smtp://127.0.0.1:25";
  std::string from = "Channels <no-reply@localhost.localdomain>";
  std::string username;
  std::string password;
  bool require_starttls = false;
  int per_address = 5;   // an hour
  int per_minute = 600;  // in all
  // From trusted files only:
  std::string sendmail;   // used in place of the server
  std::string templates;  // a folder
};

// What the program is: the one that devices sync with, or the program on such a device.
enum class Role { cloud, device };

struct Settings {
  Role role = Role::cloud;
  std::string url;  // as this one and the next, ends in "/"
  std::string public_url;
  std::string username;
  std::string password;
  std::string handshake_db = "channels-handshake";
  std::string registry_db = "channels-registry";
  std::string control_prefix = "control-";
  std::string channel_prefix = "channel-";
  std::string template_db;  // "": channels begin empty
  std::string confirm_url;
  std::vector<std::string> follow;
  int shards = 1;
  std::string directory_db;  // of public channels; empty: there are none
  seconds confirm_ttl{86400};
  seconds deleted_kept{30 * 86400};
  seconds lease{30};
  int sweep = 20;
  bool trace = false;
  MailSettings mail;
};

// The names of a list by comma.
std::vector<std::string> parse_names(std::string_view list);

// `configuration`: at least the sections channels, channels_mail, chttpd and httpd. `trusted`: what files say that
// only root can write. `warnings` gets a line for each unknown or untrusted key. Invalid is one line that names section, key
// and value.
Parsed<Settings> parse_settings(const Sections& configuration, const Sections& trusted,
                                std::vector<std::string>& warnings);

// The ini files of `folder` that belong to `owner` and that nobody else may write; a line in `warnings` for each other one. The
// folder must be so, too: who may write there can put another file of root's in its place. `owner` is root (0), and not whom the
// daemon runs as: that is CouchDB's own user, and what gets hold of CouchDB could write such a file.
Parsed<Sections> read_trusted_files(const std::string& folder, uid_t owner, std::vector<std::string>& warnings);

}  // namespace channels
