// The cloud, as this machine reaches it: single requests besides the replications that CouchDB
// makes. Each may throw Unavailable or Refused, as a request does.
#pragma once

#include <optional>
#include <string>

#include "device_role/device_services.h"

namespace channels {

class Cloud {
 public:
  // Of a pairing: its cloud and handshake; its secret, while it has one.
  Cloud(Transport& transport, const Document& pairing);

  enum class Pushed { taken, refused };

  // The device's document, with `_revisions`; as nobody in particular.
  std::optional<Document> read_handshake(const std::string& device);

  // Puts a new document; one that is there already counts as taken.
  Pushed register_device(const Document& doc);
  // Brings that revision, as a replication does. Validation refuses one that is answered already.
  Pushed push_handshake(const Document& doc);

  enum class LogIn { taken, refused, unknown };
  // Whether the cloud takes our name and password: `refused` is its 401 and nothing else.
  LogIn log_in();

  // Puts a rotate document; what the cloud makes of it is in its answer to the next look.
  void ask_rotation(const Document& doc);
  // A document of one of the user's databases, as this device.
  std::optional<Document> read_own(const Document& pairing, const std::string& syncpoint, const std::string& id);

  // Writes what this device says of itself (device_mark.h) into the user's control database.
  void leave_mark(const Document& pairing, const Document& mark);

 private:
  NoCredentials nobody_;
  BasicCredentials device_;
  const std::string username_;
  const std::string handshake_;
  Server open_;
  Server own_;
};

// Writes that revision as it is (new_edits=false), as a replication does. False: validation refused
// it.
bool put_revision(Server& server, const std::string& database, const Document& doc);
// The winner with its `_revisions`.
std::optional<Document> read_revision(Server& server, const std::string& database,
                                      const std::string& id);

}  // namespace channels
