#include "host/settings.h"

#include <algorithm>
#include <charconv>

#include "host/section_reader.h"

namespace channels {

namespace {

// CouchDB's own address, as this machine reaches it. 1.x has it in [httpd].
std::string local_url(const Sections& configuration) {
  const Section& chttpd = section_of(configuration, "chttpd");
  const Section& httpd = section_of(configuration, "httpd");
  const Section& listening = chttpd.contains("port") || httpd.empty() ? chttpd : httpd;
  const auto value = [&](std::string_view key, const char* fallback) {
    const auto found = listening.find(key);
    return found == listening.end() ? std::string(fallback) : found->second;
  };
  std::string address = value("bind_address", "127.0.0.1");
  if (address == "0.0.0.0" || address == "any") address = "127.0.0.1";
  if (address == "::") address = "::1";
  if (address.find(':') != address.npos) address = "[" + address + "]";
  return "http://" + address + ":" + value("port", "5984") + "/";
}

void read_mail(SectionReader& mail, MailSettings& settings) {
  mail.url("server", {"smtp://", "smtps://"}, settings.server);
  mail.text("from", settings.from);
  mail.text("username", settings.username);
  mail.text("password", settings.password);
  mail.number("mail_per_address", 1, 1000, settings.per_address);
  mail.number("mail_per_minute", 2, 100000, settings.per_minute);
  mail.choice("starttls", "required", settings.require_starttls);
  mail.trusted_text("sendmail", settings.sendmail);
  mail.trusted_text("templates", settings.templates);
  if (settings.from.find('@') == settings.from.npos)
    mail.fail("from", settings.from, "an address, or Name <address>");
}

void with_final_slash(std::string& url) {
  if (!url.ends_with('/')) url += '/';
}

void read_channels(SectionReader& channels, Settings& settings, const std::string& default_url) {
  std::string role = "cloud";
  channels.text("role", role);
  if (role != "cloud" && role != "device") channels.fail("role", role, "\"cloud\" or \"device\"");
  settings.role = role == "device" ? Role::device : Role::cloud;
  settings.url = default_url;
  channels.url("url", {"http://", "https://"}, settings.url);
  with_final_slash(settings.url);
  settings.public_url = settings.url;
  channels.url("public_url", {"http://", "https://"}, settings.public_url);
  with_final_slash(settings.public_url);
  settings.confirm_url = settings.public_url + "_utils/channels/confirm.html";
  channels.url("confirm_url", {"http://", "https://"}, settings.confirm_url);
  channels.text("username", settings.username);
  channels.text("password", settings.password);
  channels.database_name("handshake_db", settings.handshake_db);
  channels.database_name("registry_db", settings.registry_db);
  channels.database_name("control_prefix", settings.control_prefix);
  channels.database_name("channel_prefix", settings.channel_prefix);
  std::string follow;
  channels.text("follow", follow);
  settings.follow = parse_names(follow);
  std::string model;
  channels.text("template_db", model);
  if (!model.empty()) channels.database_name("template_db", settings.template_db);
  std::string directory;
  channels.text("directory_db", directory);
  if (!directory.empty()) channels.database_name("directory_db", settings.directory_db);
  channels.number("q", 1, 64, settings.shards);
  channels.duration("confirm_ttl", 1, 30 * 86400, settings.confirm_ttl);
  channels.duration("deleted_kept", 1, 10 * 365 * 86400, settings.deleted_kept);
  // A lease must outlast the time limit of a run by some seconds.
  channels.duration("lease", 30, 3600, settings.lease);
  channels.number("sweep", 1, 10000, settings.sweep);
  channels.on_or_off("trace", settings.trace);
}

// Two prefixes of which one begins with the other could not be told apart.
void check_names(SectionReader& channels, const Settings& settings) {
  const std::string& control = settings.control_prefix;
  const std::string& channel = settings.channel_prefix;
  if (control.starts_with(channel) || channel.starts_with(control))
    channels.fail("channel_prefix", channel, "unlike control_prefix from its beginning on");
  for (const std::string& name : {settings.handshake_db, settings.registry_db, settings.directory_db}) {
    if (name.starts_with(control) || name.starts_with(channel))
      channels.fail("handshake_db, registry_db and directory_db", name, "names that do not begin with a prefix");
  }
  const std::string& model = settings.template_db;
  const bool is_another = model == settings.handshake_db || model == settings.registry_db || model == settings.directory_db;
  if (!model.empty() && (is_another || model.starts_with(control) || model.starts_with(channel)))
    channels.fail("template_db", model, "a database of its own");
  if (settings.handshake_db == settings.registry_db)
    channels.fail("registry_db", settings.registry_db, "another name than handshake_db");
  if (settings.directory_db == settings.handshake_db || settings.directory_db == settings.registry_db)
    channels.fail("directory_db", settings.directory_db, "another name than handshake_db and registry_db");
}

}  // namespace

std::vector<std::string> parse_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string name(list.substr(0, comma));
    std::erase_if(name, [](char c) { return c == ' ' || c == '\t'; });
    if (!name.empty()) names.push_back(std::move(name));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return names;
}

Parsed<Settings> parse_settings(const Sections& configuration, const Sections& trusted,
                                std::vector<std::string>& warnings) {
  Settings settings;
  SectionReader channels("channels", section_of(configuration, "channels"),
                         section_of(trusted, "channels"), warnings);
  read_channels(channels, settings, local_url(configuration));
  check_names(channels, settings);
  SectionReader mail("channels_mail", section_of(configuration, "channels_mail"),
                     section_of(trusted, "channels_mail"), warnings);
  read_mail(mail, settings.mail);
  for (SectionReader* section : {&channels, &mail}) {
    section->warn_about_unknown();
    if (!section->fault().empty()) return Invalid::because(section->fault());
  }
  return settings;
}

}  // namespace channels
