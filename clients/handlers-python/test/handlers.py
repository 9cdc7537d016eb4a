"""Handlers that give and do what is wrong, for kit.test.mjs."""

import datetime
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from couchdb_channels import RetryLater, control, run  # noqa: E402


@control.safe("order", "new")
def accept(doc, ctx):
    return {**doc, "state": "accepted"}


@control.safe("*", "new")
def found(doc, ctx):
    return {**doc, "state": "found"}


@control.safe("bad", "*")
def bad(doc, ctx):
    cycle = {**doc}
    cycle["self"] = cycle
    ways = {
        "set": lambda: {**doc, "x": {1}},
        "datetime": lambda: {**doc, "x": datetime.datetime.now()},
        "nan": lambda: {**doc, "x": float("nan")},
        "half": lambda: {**doc, "x": "\ud83d"},
        "cycle": lambda: cycle,
        "text": lambda: "text",
        "exit": lambda: sys.exit(3),
        "delay": lambda: later(datetime.timedelta(1)),
        "forever": lambda: later(float("inf")),
        "half an error": lambda: fail(ValueError("\ud83d")),
    }
    return ways[doc["state"]]()


def later(seconds):
    raise RetryLater(seconds)


def fail(error):
    raise error


@control.safe("keep", "*")
def keep(doc, ctx):
    if doc["state"] == "inside":
        doc["state"] = "by accident"
    return doc if doc["state"] == "same" else None


@control.safe("starts", "new")
def starts(doc, ctx):
    subprocess.run(["echo", "printed by a child"], check=True)
    read = subprocess.run([sys.executable, "-c", "import sys; print(len(sys.stdin.read()))"], capture_output=True, text=True, check=True)
    return {**doc, "state": f"read {read.stdout.strip()} bytes"}


def slow(doc, ctx):
    ctx.cancelled.wait()
    if doc["state"] == "saves":
        return {**doc, "state": "stopped"}
    if doc["state"] == "knows":
        raise RetryLater(7, "nothing was sent")
    raise RuntimeError("stopped")


control.unsafe("slow", "*")(slow)
control.safe("slow", "safe")(slow)
run()
