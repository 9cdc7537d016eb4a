import sys

sys.path.insert(0, sys.argv[1])
from couchdb_channels import RetryLater, control, run  # noqa: E402


@control.safe("who", "py")
def who(doc, ctx):
    print("a stray line")
    name = ctx.couch("GET", "_session")["userCtx"]["name"]
    return {**doc, "state": "known", "name": name, "db": ctx.db}


@control.safe("stock", "py")
def stock(doc, ctx):
    if ctx.attempt < 3:
        raise RetryLater(1, "no stock")
    return {**doc, "state": "there", "attempt": ctx.attempt}


@control.unsafe("order", "py", on_lost="retry")
def order(doc, ctx):
    return {**doc, "state": "shipped", "key": ctx.attempt_key}


@control.safe("order", "bad")
def bad(doc, ctx):
    if ctx.attempt == 1:
        raise ValueError("no such luck")
    return {**doc, "state": "good"}


run()
