// Every operator's call of the program, in the order in which --help shows them.
#pragma once

namespace channels {

class Calls;

// Workers with their backlog, feed and sweep, and what is parked. With --json one object:
// {"workers": [{"place", "alive", "time", "status": {...}}], "parked": [{"database", "id", "rule",
// "attempts", "first_time", "last_time", "reason"}]}, with role = device also "device" (device.h). Watches for some seconds which workers are
// alive. Exit code 1 if none is.
void add_status(Calls& calls);

// Hands parked documents out again: the one with that _id (in whatever database), or all. Exit code
// 1 if there was none.
void add_retry(Calls& calls);

// With role = device: registers this machine's CouchDB with a cloud, prints the code to type, waits
// until it is active. Exit code 1 if it isn't in time, or ended otherwise; the same call goes on.
void add_pair(Calls& calls);

void add_all_calls(Calls& calls);

}  // namespace channels
