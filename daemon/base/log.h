// The program's log. Every part takes a Log& and says what an operator can use; the host protocol
// or stderr is behind it. Text of documents goes through escaped() first: ids, revs and fields are
// any stranger's, and a line break in one would forge a log line. No secret, code or password is
// ever logged.
#pragma once

#include <string>
#include <string_view>

namespace channels {

// How loud a line is; `debug` is seen with --debug, or where CouchDB logs at that level.
enum class Level { debug, info, error };
// "debug", "info", "error": as CouchDB's own log has it.
std::string_view name_of(Level level);

// Where lines go. Safe to call from any thread; a line that cannot be written is lost, and nobody waits for it.
class Log {
 public:
  virtual ~Log() = default;
  // One line, without its end.
  virtual void write(Level level, std::string_view text) = 0;

  void debug(std::string_view text) { write(Level::debug, text); }  // each turn, for who looks for a fault
  void info(std::string_view text) { write(Level::info, text); }    // what an operator may want to know later
  void error(std::string_view text) { write(Level::error, text); }  // what somebody has to do something about
};

// Printable ASCII as it is, all else as \xNN, of the first 200 bytes: fit for a log line.
std::string escaped(std::string_view text);

// One line each on stderr, with time and level: for --ini and for the operator's calls.
class StderrLog : public Log {
 public:
  // Lines below `least` are left out.
  explicit StderrLog(Level least = Level::info) : least_(least) {}
  void write(Level level, std::string_view text) override;

 private:
  Level least_;
};

}  // namespace channels
