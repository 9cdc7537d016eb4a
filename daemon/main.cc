// couchdb-channels: under CouchDB without arguments, by itself with --ini, or one of an operator's
// calls. Exit codes: 0 fine, 1 it did not work, 2 bad usage or configuration.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <thread>

#include "app/daemon.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "host/ini_host.h"
#include "host/os_daemon_host.h"
#include "http/curl_transport.h"
#include "mail/sendmail_mailer.h"
#include "mail/smtp_mailer.h"

namespace {

using namespace channels;

constexpr std::chrono::seconds longest_end(10);

std::unique_ptr<Mailer> make_mailer(const MailSettings& mail) {
  if (!mail.sendmail.empty()) return std::make_unique<SendmailMailer>(mail.sendmail);
  return std::make_unique<SmtpMailer>(
      SmtpOptions{mail.server, mail.username, mail.password, mail.require_starttls});
}

Parsed<Templates> load_templates(const MailSettings& mail) {
  if (mail.templates.empty()) return Templates::load(std::nullopt);
  return Templates::load(mail.templates);
}

// CouchDB would start us again at once, and halt us for ever after three quick ends: so it is
// waited for.
int give_up(Host& host, const std::string& reason) {
  host.log().error("couchdb-channels cannot start: " + reason);
  if (!host.waits_for_better_configuration()) return exit_bad_configuration;
  host.wait_for_end();
  return 0;
}

// A host that is gone leaves nobody who could end us: no request may hold the process longer.
void end_in_time() {
  std::thread([] {
    std::this_thread::sleep_for(longest_end);
    _exit(0);
  }).detach();
}

int run(Host& host) {
  RealEnv env;
  auto configuration = read_configuration(env, host);
  if (!configuration) return give_up(host, configuration.error().reason);
  const auto templates = load_templates(configuration->settings.mail);
  if (!templates) return give_up(host, "[channels_mail] templates: " + templates.error().reason);
  const auto mailer = make_mailer(configuration->settings.mail);
  CurlTransport transport;
  {
    const Daemon daemon(env, host.log(), transport, *mailer, *templates, *configuration, {},
                        [&host] { host.tell_ready(); });
    host.wait_for_end();
    end_in_time();
  }
  return 0;
}

int run_with_files(const std::vector<std::string>& files, Level least) {
  auto sections = read_ini_files({files.begin(), files.end()});
  if (!sections) {
    std::cerr << "couchdb-channels: --ini: " << sections.error().reason << "\n";
    return exit_bad_configuration;
  }
  IniHost host(std::move(*sections), least);
  return run(host);
}

}  // namespace

int main(int argc, char** argv) {
  // A heap per thread would cost megabytes each for a program that mostly waits.
  mallopt(M_ARENA_MAX, 2);
  CLI::App app(
      "Coordinates the sync of devices and channels. Without options it speaks CouchDB's "
      "os_daemons "
      "protocol on standard input and output.",
      "couchdb-channels");
  app.set_version_flag("--version", std::string("couchdb-channels " CHANNELS_VERSION));
  std::vector<std::string> ini_files;
  app.add_option("--ini", ini_files,
                 "run by itself: read this file in place of a host; may be given again")
      ->type_name("FILE");
  bool debug = false;
  app.add_flag("--debug", debug, "with --ini: log what the engine does, too");
  app.require_subcommand(0, 1);
  Calls calls(app, ini_files);
  add_all_calls(calls);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_bad_configuration;
  }
  prepare_signals();
  if (const auto code = calls.run()) return *code;
  if (!ini_files.empty()) return run_with_files(ini_files, debug ? Level::debug : Level::info);
  if (isatty(STDIN_FILENO) != 0) {
    std::cerr << "couchdb-channels is started by CouchDB ([os_daemons]); to run it by hand use "
                 "--ini FILE, see --help\n";
    return exit_bad_configuration;
  }
  OsDaemonHost host(STDIN_FILENO, STDOUT_FILENO);
  return run(host);
}
