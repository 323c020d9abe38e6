"""The test plan's numbered bad inputs (and some good ones): which were tried, and that what is refused leaves no trace.

A label may begin with the numbers it stands for: "44 genuine first", "28, 29 two lengths". A label without is one more of
its kind. `run` without a pattern fails when a number of the plan was never tried."""

import contextlib
import os
import re

import lab

PLAN = range(1, 178)
COUNTERS = ("verdict_count", "refused_topic", "note_count")  # what a refusal may change

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
    tables = [row[0] for row in here.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
              if row[0] not in COUNTERS]
    rows = here.rows("SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in tables))
    return {"rows": dict(zip(tables, rows[0])), "files": files, "children": lab.children(here.daemons["ipnd"].pid)}


@contextlib.contextmanager
def nothing_fetched(here, label):
    """As threat(), of what is kept: the block makes no connection to SNS."""
    with threat(label):
        met = here.sns and here.sns.count
        yield
        lab.equal(here.sns and here.sns.count, met, "connections to SNS")


@contextlib.contextmanager
def nothing(here, label, connections=0):
    """As threat(), and the block leaves no row, no file, no process and no connection to SNS but so many (None: any)."""
    before, met = traces(here), here.sns and here.sns.count
    with threat(label):
        yield
        after = traces(here)
        for what in before:
            lab.equal(after[what], before[what], what)
        if here.sns and connections is not None:
            lab.equal(here.sns.count - met, connections, "connections to SNS")


def missing(skipped):
    """Numbers that nothing tried, but those that names of skipped cases begin with."""
    excused = set().union(*(numbers(name) for name in skipped))
    return sorted(set(PLAN) - tried - excused)
