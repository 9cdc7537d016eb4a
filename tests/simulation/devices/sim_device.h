// A simulated device with its person: registers by the contract's letter, reads its mail, confirms or does not, and once
// active works offline on a database of its own and replicates its control database whenever it pleases. The world
// makes some for each user; each lives on a thread of its own, as a process of its own.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/errors.h"
#include "couch/database.h"
#include "simulation/devices/post.h"
#include "simulation/faults.h"

namespace channels::simulation {

// A change that a person made in a control database: must be found there at the end, as the document's value or as an
// overruled one, unless somebody who had seen it changed it.
struct Edit {
  std::string database;
  std::string id;
  std::string rev;
  std::string value;
  bool superseded = false;
};

// What devices share with each other and the checkers.
struct Surroundings {
  Scheduler& scheduler;
  ModelCouch& cloud;
  ModelCouch& drawer;  // the devices' own databases
  Post& post;
  std::set<std::string> secrets;  // must appear in no document, log or feed
  std::vector<Edit> edits;
  std::set<std::string> revoked;  // ids of devices that a person revoked, as far as the cloud knows
  bool winding_down = false;      // nothing new is begun
  int counter = 0;                // makes names that are like no other
  std::vector<std::string> people{};                        // all addresses
  std::vector<std::pair<std::string, std::string>> links{};  // channel and code, passed on to everybody
};

// A person's wish in a control database that the daemon has not carried out.
bool is_due_in_control(const Document& doc);

// What the person does with the mail.
enum class Wish { confirm, confirm_alone, not_me, ignore };

class SimDevice {
 public:
  SimDevice(Surroundings& around, int number, std::string owner, Wish wish);

  // Its thread lives until the world winds down and it has nothing left to do.
  std::unique_ptr<Thread> start() { return env_.start("device", [this] { live(); }); }
  // Replicates both ways and is told whether it could; the world calls it once more at the end.
  bool sync();

  const std::string& id() const { return id_; }
  const std::string& secret() const { return secret_; }
  const std::string& owner() const { return owner_; }
  const std::string& control() const { return control_; }
  Wish wish() const { return wish_; }
  bool is_active() const { return stage_ == Stage::active; }
  std::string name() const { return process_.name; }
  Line& line() { return line_; }
  Process& process() { return process_; }
  // Its own database, as it sees itself.
  Database local() { return {drawer_server_, "of-" + process_.name}; }
  // The cloud, logged in as this device.
  Server& cloud() { return *own_; }
  // Empty when it has come to rest; else what it waits for.
  std::string waits_for();

 private:
  enum class Stage { unregistered, waiting, active, over };

  void live();
  void step();
  void check_refusal(const Refused& refused);
  // --- sim_device.cc: as far as active
  void make_identity();
  void enroll();
  void look();
  void answer_mail(const std::string& device_code);
  void write_confirm(const Link& link, const std::string& answer, const std::string& device_code);
  void ended(const std::string& state);
  // --- sim_device_use.cc: once active
  void use();
  void act();
  void make_channel();
  void rename_something();
  void note_on_channel();
  void choose_subscription();
  void revoke_another();
  void write_into_channel();
  // --- sim_device_share.cc: with other people
  void share();
  void make_group();
  void give_to_group();
  void call_himself();
  void show_members();
  void end_a_channel();
  std::optional<Document> something_shared();
  void invite_somebody();
  void answer_invitation();
  void change_a_member();
  void make_link();
  void join_by_link();
  void look_into_a_channel();
  void save_wish(const Document& doc);
  std::string some_access();
  std::optional<Document> some_local(const std::string& type, const std::string& state = "");
  void save_edit(Document doc, const std::string& value);
  void forget_refused(const std::vector<std::string>& ids);

  Surroundings& around_;
  Scheduler& scheduler_;
  const std::string owner_;
  const Wish wish_;
  Process process_;
  SimEnv env_;
  Line line_;
  FaultyTransport transport_;
  NoCredentials nobody_;
  Server anonymous_;
  std::unique_ptr<BasicCredentials> credentials_;
  std::unique_ptr<Server> own_;
  ModelTransport drawer_transport_;
  BasicCredentials drawer_credentials_;
  Server drawer_server_;

  Stage stage_ = Stage::unregistered;
  int identities_ = 0;
  std::string id_;
  std::string secret_;
  std::string control_;
  Document registration_;
  std::string pulled_ = "0";
  std::string pushed_ = "0";
  int actions_left_;
  bool synced_ = false;           // since its last change
  std::set<std::string> tried_;   // confirms that were written, by id
};

}  // namespace channels::simulation
