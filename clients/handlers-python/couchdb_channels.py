"""Handlers for couchdb-channels in Python, in this one file and with nothing but the standard library.

    from couchdb_channels import control, run

    @control.safe("order", "new")
    def accept(doc, ctx):
        return {**doc, "state": "accepted"}

    if __name__ == "__main__":
        run()

A handler gives the document's next revision (None or the same: leave it as it is), raises RetryLater(seconds, reason),
or raises anything else: then it is tried again with a growing delay (an unsafe one after its time limit is lost). Each runs in a thread of its own, at most `in_flight`
at once. What is printed goes to the daemon's log. A test imports the module, and tries its handlers out by try_out().
"""

import json
import math
import os
import sys
import threading
import traceback
import urllib.request


class RetryLater(Exception):
    def __init__(self, seconds, reason="not yet"):
        super().__init__(reason)
        if not math.isfinite(seconds):
            raise ValueError(f"a delay is a number of seconds, not {seconds}")
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
        # In a followed database anybody may write what is no text: to the daemon it has none.
        type_, state = (doc[field] if isinstance(doc.get(field), str) else "" for field in ("type", "state"))
        for pair in ((type_, state), (type_, "*"), ("*", state), ("*", "*")):
            if pair in self.handlers:
                return self.handlers[pair]
        return None


control = Control()


def to_json(value):
    """As the daemon reads it; raises where JSON has no form for it: a set, a datetime, NaN, half of a character."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text.encode()
    return text


def answer(table, number, handed, context):
    """One run, as the line to send; never raises."""
    doc = handed["doc"]
    try:
        entry = table.find(doc)
        if entry is None:
            raise LookupError(f"no handler here for {doc.get('type')}, {doc.get('state')}")
        given = to_json(doc)
        following = entry[1](json.loads(given), context)
        if following is None:
            return f'["keep",{number}]'
        if not isinstance(following, dict):
            raise TypeError(f"the handler gave no document but {type(following).__name__}")
        text = to_json(following)
        return f'["keep",{number}]' if text == given else f'["save",{number},{text}]'
    except RetryLater as later:
        return error_line(number, str(later), {"retry_after": float(later.seconds)})
    except (Exception, SystemExit) as error:  # whatever it is, the daemon tries again
        traceback.print_exc()
        # What was broken off at the time limit may have acted.
        is_lost = context.mode == "unsafe" and context.cancelled.is_set()
        return error_line(number, f"{type(error).__name__}: {error}", {"lost": True} if is_lost else {})


def error_line(number, reason, more):
    return to_json(["error", number, {"reason": reason.encode(errors="replace").decode(), **more}])


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
    verb, _, *given = json.loads(answer(table, 1, {**run, "doc": doc}, context))
    if verb == "error":
        return {"mode": entry[0], "error": given[0]}
    return {"mode": entry[0], "doc": given[0] if given else doc, "changed": verb == "save"}


def take_pipes():
    """Standard input and output, which are the daemon's alone: print(), and whatever a handler starts, has the log and nothing."""
    pipes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return pipes


def run(table=control):
    """Speaks with the daemon until it is gone."""
    source, sink = take_pipes()
    sys.setrecursionlimit(5000)  # a document may be 1,000 levels deep, and such a one would end the program
    writing = threading.Lock()
    running = {}

    def send(line):
        with writing:
            sink.write(line.encode() + b"\n")
            sink.flush()

    def handle(number, handed, context):
        said = answer(table, number, handed, context)
        running.pop(number, None)
        send(said)

    for (type_, state), (mode, _, options) in table.handlers.items():
        send(to_json(["register", mode, type_, state] + ([options] if options else [])))
    send('["ready"]')
    for line in source:
        verb, number, *rest = json.loads(line)
        if verb == "handle":
            context = running[number] = Context(rest[0])
            threading.Thread(target=handle, args=(number, rest[0], context), daemon=True).start()
        elif verb == "cancel" and (context := running.get(number)):
            context.cancelled.set()
            # A sign of life: if the handler goes on all the same, it is that run alone which the daemon gives up.
            send(to_json(["log", f"run {number} is at its time limit", {"level": "debug"}]))
