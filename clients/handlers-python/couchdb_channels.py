"""Handlers for couchdb-channels in Python, in this one file and with nothing but the standard library.

    from couchdb_channels import control, run

    @control.safe("order", "new")
    def accept(doc, ctx):
        return {**doc, "state": "accepted"}

    if __name__ == "__main__":
        run()

A handler gives the document's next revision (None or the same: leave it as it is), raises RetryLater(seconds, reason),
or raises anything else: then it is tried again with a growing delay. Each runs in a thread of its own, at most `in_flight`
at once. What is printed goes to the daemon's log. A test imports the module, and tries its handlers out by try_out().
"""

import json
import os
import sys
import threading
import traceback
import urllib.request


class RetryLater(Exception):
    def __init__(self, seconds, reason="not yet"):
        super().__init__(reason)
        self.seconds = seconds


class Context:
    """db, mode, attempt, attempt_key, deadline (text); cancelled, a threading.Event that is set at the time limit."""

    def __init__(self, handed):
        self.db = handed["db"]
        self.mode = handed["mode"]
        self.attempt = handed["attempt"]
        self.attempt_key = handed["attempt_key"]
        self.deadline = handed["deadline"]
        self.cancelled = threading.Event()
        self._cookie = handed["cookie"]

    def couch(self, method, path, body=None):
        """A request to CouchDB with the handed credential; path without the first slash. Gives the parsed answer, and
        raises urllib.error.HTTPError from status 400 on."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Cookie": self._cookie, "Content-Type": "application/json", "Accept": "application/json"}
        url = os.environ["COUCHDB_URL"].rstrip("/") + "/" + path
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
            return json.load(answer)


class Control:
    def __init__(self):
        self.handlers = {}

    def _add(self, mode, type_, state, options):
        def add(handler):
            if (type_, state) in self.handlers:
                raise ValueError(f"there is a handler for {type_}, {state} already")
            self.handlers[type_, state] = (mode, handler, options)
            return handler
        return add

    def safe(self, type_, state):
        """Idempotent: may run twice, on two workers at once. "*" stands for any."""
        return self._add("safe", type_, state, {})

    def unsafe(self, type_, state, on_lost="park"):
        """Must not be run by two racing workers; a run that broke off is parked, or with on_lost="retry" run again."""
        return self._add("unsafe", type_, state, {} if on_lost == "park" else {"on_lost": on_lost})

    def find(self, doc):
        type_, state = doc.get("type", ""), doc.get("state", "")
        for pair in ((type_, state), (type_, "*"), ("*", state), ("*", "*")):
            if pair in self.handlers:
                return self.handlers[pair]
        return None


control = Control()


def answer(table, number, handed, context):
    """One run, as the line to send."""
    doc = handed["doc"]
    entry = table.find(doc)
    try:
        if entry is None:
            raise LookupError(f"no handler here for {doc.get('type')}, {doc.get('state')}")
        following = entry[1](json.loads(json.dumps(doc)), context)
        return ["save", number, doc if following is None else following]
    except RetryLater as later:
        return ["error", number, {"reason": str(later), "retry_after": later.seconds}]
    except Exception as error:  # whatever it is, the daemon tries again
        traceback.print_exc()
        return ["error", number, {"reason": f"{type(error).__name__}: {error}"}]


def try_out(doc, table=control, couch=None, db="test", attempt=1, attempt_key="test"):
    """Hands doc to its handler, without daemon and server. Gives {"mode", "doc", "changed"}, or {"mode", "error"} where it
    failed or wants to come later; None if no handler is for it. couch(method, path, body) answers in CouchDB's place."""
    entry = table.find(doc)
    if entry is None:
        return None

    def no_couch(*_):
        raise RuntimeError("this handler uses ctx.couch: give try_out one, couch=...")

    run = {"db": db, "mode": entry[0], "attempt": attempt, "attempt_key": attempt_key, "deadline": "", "cookie": ""}
    context = Context(run)
    context.couch = couch or no_couch
    verb, _, given = answer(table, 1, {**run, "doc": doc}, context)
    if verb == "error":
        return {"mode": entry[0], "error": given}
    return {"mode": entry[0], "doc": given, "changed": given != doc}


def run(table=control):
    """Speaks with the daemon until it is gone."""
    pipe = sys.stdout
    sys.stdout = sys.stderr  # print() is for the log
    writing = threading.Lock()
    running = {}

    def send(message):
        with writing:
            pipe.write(json.dumps(message) + "\n")
            pipe.flush()

    def handle(number, handed, context):
        send(answer(table, number, handed, context))
        running.pop(number, None)

    for (type_, state), (mode, _, options) in table.handlers.items():
        send(["register", mode, type_, state] + ([options] if options else []))
    send(["ready"])
    for line in sys.stdin:
        verb, number, *rest = json.loads(line)
        if verb == "handle":
            context = running[number] = Context(rest[0])
            threading.Thread(target=handle, args=(number, rest[0], context), daemon=True).start()
        elif verb == "cancel" and number in running:
            running[number].cancelled.set()
