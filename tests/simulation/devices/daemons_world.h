// Scenario "daemons": three whole daemons (app/daemon.h, with all workflows) on one server and one mail server, devices
// of a few users that register, confirm, work offline and replicate, strangers, and faults by the seed. After the faults
// everything must come to a good end by itself; checkers look on (daemons_checks.cc).
#pragma once

#include <map>
#include <memory>

#include "app/daemon.h"
#include "simulation/devices/sim_device.h"
#include "simulation/devices/stranger.h"
#include "simulation/settings_of_run.h"

namespace channels::simulation {

// What a seed decides before the run begins, besides the faults.
struct DaemonsSettings {
  explicit DaemonsSettings(Scheduler& chance);

  RunSettings faults;
  // No faults but these: then every mail that goes out twice must be accounted for.
  bool only_kills_and_pauses;
  double mail_refuses = 0, mail_hangs = 0, mail_lost_answer = 0;
  bool cluster;  // three copies, races that split the vote
  int users;
  int devices;
  bool strangers;
  bool sharing;  // people have to do with each other
  seconds confirm_ttl;
  int mail_per_address;
};

class DaemonsWorld {
 public:
  explicit DaemonsWorld(Scheduler& scheduler);
  void run();

 private:
  // Goes to the trace, after a look for secrets.
  class WatchedLog : public Log {
   public:
    explicit WatchedLog(DaemonsWorld& world) : world_(world) {}
    void write(Level level, std::string_view text) override;

   private:
    DaemonsWorld& world_;
  };

  struct Worker {
    Worker(DaemonsWorld& world, int number);
    Process process;
    SimEnv env;
    WatchedLog log;
    Line line;
    FaultyTransport transport;
    SimMailer mailer;
    MonoTime paused_until{};
    std::unique_ptr<Daemon> daemon;
  };

  // --- daemons_world.cc: the course of a run
  void set_up();
  void start_daemon();
  void kill_daemon(int number);
  void make_devices();
  void fault_step();
  void change_weather();
  void end_faults();
  void settle();
  void retry_parked_documents();
  Configuration configuration() const;
  Database cloud(const std::string& name) { return Database(operator_server_, name); }

  // --- daemons_watch.cc: checkers that look at every commit, mail and log line
  void on_commit(const ModelCouch::Commit& commit);
  void on_mail(const DeliveredMail& mail);
  void look_for_secrets(std::string_view text, const std::string& where);
  void look_for_link_codes(const Document& doc);
  void check_checkpoint(const Document& checkpoint);
  void check_handshake_copy(const Document& doc);
  bool is_recorded(const std::string& database, const std::string& id);

  // --- daemons_end.cc: the end
  std::string unsettled();
  std::string unsettled_in_handshake();
  std::string unsettled_in(const std::string& control);
  std::string unsettled_records();
  void check_end();
  bool is_parked(const Document& failure);
  void check_mails();
  void check_devices();
  void check_access(SimDevice& device);
  void check_channels();
  void check_edits();
  bool is_name_of_several(const Edit& edit);
  // --- daemons_sharing.cc
  std::string unsettled_sharing();
  std::string access_in(const Document& channel, const std::string& user);
  std::string unsettled_group(const Document& group);
  std::string unsettled_copies(const Document& channel);
  json::array members_as_shown(const Document& shared);
  json::array groups_as_shown(const Document& channel);
  std::string unsettled_roles();
  std::string unsettled_channel(const Document& channel);
  void check_invitations();
  void check_memberships();
  // daemons_audit.cc
  void check_audit();
  void check_entries_of(const Document& record, const std::map<std::string, int>& counts);
  int status_of(Server& server, const std::string& path);
  std::optional<Document> record(const std::string& id);

  Scheduler& scheduler_;
  const DaemonsSettings settings_;
  const Templates templates_;
  Process process_{"world"};
  SimEnv env_;
  ModelCouch cloud_;
  ModelCouch drawer_;
  Post post_;
  Surroundings around_;
  ModelTransport operator_transport_;
  BasicCredentials operator_credentials_;
  Server operator_server_;
  std::map<int, std::unique_ptr<Worker>> workers_;  // those that live, by number; numbers are never used twice
  std::vector<std::unique_ptr<Thread>> funerals_;   // killed ones, until their threads have ended
  std::vector<std::unique_ptr<SimDevice>> devices_;
  std::unique_ptr<Stranger> stranger_;
  std::vector<std::unique_ptr<Thread>> lives_;
  int last_worker_ = 0;
  int disturbances_ = 0;
};

// A document of such a database that a rule is due for, by what it is: why, or "".
std::string due_in(Kind kind, const Document& doc);

}  // namespace channels::simulation
