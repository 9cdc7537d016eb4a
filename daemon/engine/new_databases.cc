#include "engine/new_databases.h"

#include <utility>

namespace channels {

NewDatabases::Making::Making(NewDatabases& all, std::string database) : all_(all), database_(std::move(database)) {
  all_.begin(database_);
}

NewDatabases::Making::~Making() {
  all_.end(database_, std::move(saved_));
}

void NewDatabases::begin(const std::string& database) {
  const std::lock_guard lock(mutex_);
  being_made_.insert(database);
}

void NewDatabases::end(const std::string& database, std::vector<Saved> saved) {
  {
    const std::lock_guard lock(mutex_);
    being_made_.erase(being_made_.find(database));
    if (new_.size() >= most_known) new_.clear();
    if (!saved.empty()) new_[database] = {std::move(saved), env_.mono_now() + longest_new};
  }
  const std::lock_guard lock(telling_);
  if (tell_) tell_(database);
}

void NewDatabases::tell(std::function<void(const std::string& database)> ended) {
  {
    const std::lock_guard lock(mutex_);
    new_.clear();
  }
  const std::lock_guard lock(telling_);
  tell_ = std::move(ended);
}

void NewDatabases::stop_telling() {
  const std::lock_guard lock(telling_);
  tell_ = nullptr;
}

bool NewDatabases::is_left_alone(std::string_view database) {
  {
    const std::lock_guard lock(mutex_);
    if (being_made_.contains(database)) return true;
  }
  return is_new(database);
}

bool NewDatabases::is_new(std::string_view database) {
  const std::lock_guard lock(mutex_);
  const auto found = new_.find(database);
  return found != new_.end() && found->second.until > env_.mono_now();
}

std::vector<Saved> NewDatabases::take(const std::string& database) {
  const std::lock_guard lock(mutex_);
  const auto found = new_.extract(database);
  return found && found.mapped().until > env_.mono_now() ? std::move(found.mapped().saved) : std::vector<Saved>();
}

}  // namespace channels
