"""The test plan's numbered bad inputs (and some good ones): which were tried, and that what is refused leaves no trace.

A label may begin with the numbers it stands for: "44 genuine first", "28, 29 two lengths". A label without is one more of
its kind. `run` without a pattern fails when a number of the plan was never tried."""

import contextlib
import os
import re

import lab

PLAN = range(1, 178)
COUNTED = ("notification", "fact", "fact_id", "fact_change", "event", "hook_run", "order_reference", "authorization",
           "capture", "refund", "billing_agreement", "chargeback", "provider_credit", "provider_credit_reversal",
           "solution_provider")  # every table that a message may change; refusals are counted in two others

tried = set()


def numbers(label):
    found = set()
    for part in re.match(r"(?:\d+(?:-\d+)?(?:, |(?= )))*", label).group().split(", "):
        if part:
            first, _, last = part.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    if not found <= set(PLAN):
        raise ValueError(f"{label!r} names a number that the plan has not")
    return found


@contextlib.contextmanager
def threat(label):
    """Its numbers count as tried when the block holds; a failure says the label."""
    mine = numbers(label)
    try:
        yield
    except AssertionError as why:
        raise AssertionError(f"{label}: {why}") from why
    tried.update(mine)


def traces(here):
    """What an ipnd has stored, written, spawned and connected to."""
    files = {}
    for folder, _, names in os.walk(here.home):
        for name in names:
            path = os.path.join(folder, name)
            files[path] = "the database's" if path.startswith(here.database) else os.lstat(path).st_size
    rows = here.rows("SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in COUNTED))
    return {"rows": dict(zip(COUNTED, rows[0])), "files": files, "children": lab.children(here.daemons["ipnd"].pid)}


@contextlib.contextmanager
def nothing(here, label, connections=0):
    """As threat(), and the block leaves no row, no file, no process and no connection to SNS but so many."""
    before, met = traces(here), here.sns and here.sns.count
    with threat(label):
        yield
        after = traces(here)
        for what in before:
            lab.equal(after[what], before[what], what)
        if here.sns:
            lab.equal(here.sns.count - met, connections, "connections to SNS")


def missing(skipped):
    """Numbers that nothing tried, but those that names of skipped cases begin with."""
    excused = set().union(*(numbers(name) for name in skipped))
    return sorted(set(PLAN) - tried - excused)
