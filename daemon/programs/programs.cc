#include "programs/programs.h"

#include <algorithm>

namespace channels {

namespace {

std::string record_id(const std::string& name) {
  return "program-" + name;
}

void add_rule(RuleTable& table, const std::shared_ptr<Program>& program, const Registration& registration) {
  RuleOptions options;
  options.on_lost = registration.retry_lost ? OnLost::retry : OnLost::park;
  options.time_limit = program->longest_run();
  table.elsewhere(registration.mode, registration.type, registration.state, program->settings().name, program, options);
}

}  // namespace

Programs::Programs(Env& env, Log& log, const std::vector<ProgramSettings>& settings, const Switches& on,
                   const std::string& url, Cookies& cookies) {
  for (const ProgramSettings& one : settings) {
    const auto found = on.find(one.name);
    const bool is_on = found == on.end() || found->second;
    programs_.push_back({std::make_shared<Program>(env, log, one, url, cookies, is_on), false, std::nullopt});
  }
}

bool Programs::are_beginning() {
  return std::any_of(programs_.begin(), programs_.end(), [](const Entry& entry) { return entry.program->is_beginning(); });
}

void Programs::add_rules(Rules& rules, const BuiltInRules& built_in, Database registry) {
  Claims claims(built_in);
  for (Entry& entry : programs_) {
    if (entry.refused) continue;
    const ProgramSettings& settings = entry.program->settings();
    const auto known = recorded(registry, settings.name);
    auto registrations = entry.program->registered();
    entry.used = registrations;
    if (registrations && registrations != known) record(registry, settings.name, *registrations);
    if (!registrations) registrations = known;
    if (!registrations) continue;
    if (const auto refusal = claims.refusal(settings.name, settings.databases, *registrations)) {
      entry.refused = true;
      entry.program->refuse(*refusal);
      continue;
    }
    RuleTable& table = rules.on(settings.databases);
    for (const Registration& registration : *registrations) add_rule(table, entry.program, registration);
    // Known from before is as good as said now.
    if (!entry.used) entry.used = registrations;
  }
}

bool Programs::has_news() {
  return std::any_of(programs_.begin(), programs_.end(), [](const Entry& entry) {
    const auto registered = entry.program->registered();
    return !entry.refused && registered && registered != entry.used;
  });
}

void Programs::switch_all(const Switches& on) {
  for (Entry& entry : programs_) {
    const auto found = on.find(entry.program->settings().name);
    if (found == on.end()) continue;
    entry.program->switch_on(found->second);
  }
}

void Programs::pause(bool paused) {
  for (const Entry& entry : programs_) entry.program->pause(paused);
}

bool Programs::are_idle() {
  return std::all_of(programs_.begin(), programs_.end(), [](const Entry& entry) { return entry.program->is_idle(); });
}

std::optional<std::vector<Registration>> Programs::recorded(Database& registry, const std::string& name) {
  const auto doc = registry.get(record_id(name));
  const json::array* lines = doc ? get_array(*doc, "registers") : nullptr;
  if (lines == nullptr) return std::nullopt;
  std::vector<Registration> registrations;
  for (const json::value& line : *lines) {
    auto message = parse_message(json::serialize(line));
    if (!message) continue;
    if (const auto* registration = std::get_if<Registration>(&*message)) registrations.push_back(*registration);
  }
  return registrations;
}

// A conflict is another daemon's, which runs the same program.
void Programs::record(Database& registry, const std::string& name, const std::vector<Registration>& registrations) {
  Document doc = registry.get(record_id(name)).value_or(Document{{"_id", record_id(name)}, {"type", "program"}});
  json::array lines;
  for (const Registration& registration : registrations) lines.push_back(registration_json(registration));
  doc["registers"] = std::move(lines);
  registry.save(doc);
}

}  // namespace channels
