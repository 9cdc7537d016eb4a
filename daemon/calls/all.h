// Every operator's call of the program, in the order in which --help shows them.
#pragma once

namespace channels {

class Calls;

// Workers with their backlog, feed and sweep, and what is parked. With --json one object:
// {"workers": [{"place", "alive", "time", "status": {...}}], "parked": [{"database", "id", "rule",
// "attempts", "first_time", "last_time", "reason"}]}, with role = device also "device" (device.h). Watches for some seconds which workers are
// alive. Exit code 1 if none is.
void add_status(Calls& calls);

// Checks an installation, part by part, also a broken one; each line says what was found, and of a fault what to do about it.
// With --json one object: {"faults": N, "checks": [{"name", "result": "ok" | "note" | "fault", "found", "do": [LINE]}]}.
// Exit code 1 if there is a fault.
void add_doctor(Calls& calls);

// Hands parked documents out again: the one with that _id (in whatever database), or all. Exit code
// 1 if there was none.
void add_retry(Calls& calls);

// A user's devices: {"user", "devices": [{"id", "state", "name", "created", "activated", ...}]}. Exit code 1 if nobody is
// known by that address or user id.
void add_devices(Calls& calls);

// The channels that a user owns: {"user", "channels": [{"id", "name", "state", "database", "subscription"}]}.
void add_channels(Calls& calls);

// Who did what, by ids, the oldest first: {"entries": [{"id", "at", "what", "by"[, "user"][, "device"][, "channel"][, "access"], ...
// [, "altered": true]}], "more"}. Exit code 1 if an entry was changed after it was written.
void add_audit(Calls& calls);

// Takes a device's log-in away at once, and leaves the rest of its revocation to the daemon. Exit code 1 if there is no such
// device, or it has no log-in.
void add_revoke(Calls& calls);

// Why a device isn't in sync: {"device", "name", "user", "state", "in_sync": true | false | null (unknown), "trouble", "notes", "unknown":
// [{"reason", "says"[, "channel"]}], "last_heard_of", "databases": [{"channel", "name", "database", "state", "subscription",
// "behind", "device_says"}]}. Exit code 1 if there is no such device or channel.
void add_why(Calls& calls);

// With role = device: registers this machine's CouchDB with a cloud, prints the code to type, waits
// until it is active. Exit code 1 if it isn't in time, or ended otherwise; the same call goes on.
void add_pair(Calls& calls);
void add_rotate(Calls& calls);

// What the registry has of one document: {"documents": [{"database", "id", "type", "state", "rev", "parked", "due"}], "runs":
// [{"database", "id", "rev", "rule", "mode", "attempt", "time", "took_ms", "outcome", ...}], "all_runs": true|false}. Exit code 1 if it has nothing.
void add_trace(Calls& calls);

// Hands the documents of a database to new handler code, whose CouchDB takes no writes, and prints what would be different:
// {"documents": [{"id", "rule", "from", "to"|"error", "differences": [{"member", "before", "after"}]}], "writes": [{"database", "id", "what",
// "differences"} | {"method", "path", "body"}], "failed", "no_handler"}. Exit code 1 if a run failed.
void add_replay(Calls& calls);

// Erases a person (workflows/erasure.h): {"user", "touched": [{"database", "document" ("": the database itself), "what"}], "left_out",
// "compacting": [DATABASE], "not_reached": [SENTENCE]}. Exit code 1 if a database is still being compacted.
void add_erase(Calls& calls);
// What becomes of the newest template_db in all channels: {"template_db", "state": "none" | "running" | "paused" | "stopped" | "done", "version",
// "before", "back", "wave", "channels": {"all", "have", "failed", "waiting"}, "kept", "reports": [{"channel", "id", "what"}], "failures": [{"channel",
// "reason"}], "reason", ...}; `pause`, `resume` and `back` change it before. Exit code 1 if it stopped, or can't be changed so.
void add_rollout(Calls& calls);

void add_all_calls(Calls& calls);

}  // namespace channels
