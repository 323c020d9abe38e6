"""A database of every version before this one (tests/data), opened by this one: nothing is lost, and everything goes on."""

import contextlib
import functools
import glob
import json
import os
import re
import sqlite3

from lab import SOURCE, Lab, case, check, equal, together, wait_for

DUMPS = sorted(glob.glob(os.path.join(SOURCE, "tests", "data", "schema-*.sql")))
CHANGED = {("hook_run", "next_attempt_at")}  # by sql/0005-limits.sql: NULL while it waits for another


def newest():
    return max(int(os.path.basename(f)[:4]) for f in glob.glob(os.path.join(SOURCE, "sql", "[0-9][0-9][0-9][0-9]-*.sql")))


def load(dump, path):
    with open(dump) as f, contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(f.read())


def ask(path, sql):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(sql).fetchall()


def schema(path):
    return ask(path, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")


def rows(path, columns):
    """{table: its rows}, of those columns."""
    return {table: sorted(ask(path, f"SELECT {', '.join(names)} FROM {table}"), key=repr) for table, names in columns.items()}


def columns(path):
    tables = [t for (t,) in ask(path, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    return {t: [f'"{c}"' for (c,) in ask(path, f"SELECT name FROM pragma_table_info('{t}')") if (t, c) not in CHANGED] for t in tables}


def explained(lab):
    """Some of each kind have a story."""
    ids = [i for table in ("order_reference", "billing_agreement", "capture", "notification")
           for (i,) in lab.rows(f"SELECT {table if table != 'notification' else 'message'}_id FROM {table} LIMIT 1")]
    for one in ids:
        check(json.loads(lab.ctl("explain", one, "--json").stdout)["timeline"], f"{one} has a story")
    return len(ids)


def upgrade(dump, fresh):
    number = int(re.search(r"schema-(\d+)", dump).group(1))
    with Lab() as lab:
        load(dump, lab.database)
        equal(lab.one("PRAGMA user_version"), number, "the dump's schema")
        check("start ipnd" in lab.ctl("status", code=69).stderr, "an old one is not read")
        before_columns = columns(lab.database)
        before = rows(lab.database, before_columns)
        lab.start()
        equal(lab.one("PRAGMA user_version"), newest(), "schema")
        equal(schema(lab.database), fresh, f"from {number}: the same schema as of a fresh one")
        equal(lab.rows("PRAGMA integrity_check"), [("ok",)], "integrity")
        equal(lab.rows("PRAGMA foreign_key_check"), [], "references")
        after = rows(lab.database, before_columns)
        del before["hook"], after["hook"]  # registered anew at the start
        equal(after, before, f"from {number}: rows")
        check(explained(lab) >= 3, "stories")
        known = lab.one("SELECT count(*) FROM notification")
        lab.ctl("list", "notifications", "--limit", "0")
        lab.ctl("reprocess", code=None)
        lab.run("ipn-simulate", "play", "one-time", "-c", lab.config)
        check(lab.one("SELECT count(*) FROM notification") > known, "it goes on")
        hooks_go_on(lab)


def hooks_go_on(lab):
    """What waited, ran or was given up under the old version ends under this one."""
    lab.configure(lambda t: t[:t.index('hook "print"')] + "".join(
        f'hook "{name}" {{\n\ton = {{"*"}}\n\trun = {{"/bin/true"}}\n\tenvironment = any\n}}\n' for name in ("keep", "later", "refuse")))
    lab.stop()
    lab.start()
    dead = lab.one("SELECT count(*) FROM hook_run WHERE state = 'dead'")
    check(lab.one("SELECT count(*) FROM hook_run WHERE state = 'pending'") > 0 and dead > 0, "some wait, some are dead")
    lab.ctl("hooks", "retry", "--all-dead")
    lab.ctl("replay", str(lab.one("SELECT event_id FROM hook_run WHERE hook = 'later' AND state = 'pending' ORDER BY 1 LIMIT 1")))
    lab.start("ipn-hookd")
    wait_for("all that was dead is done", lambda: not lab.one("SELECT count(*) FROM hook_run WHERE state = 'dead'"))
    wait_for("all events are seen, and keep has run", lambda: lab.one("SELECT min(seen_event) FROM hook WHERE active = 1")
             == lab.one("SELECT max(id) FROM event") and not lab.one(
                 "SELECT count(*) FROM hook_run WHERE hook = 'keep' AND state <> 'done'"))


@case("upgrade: the database of each earlier schema becomes this one's, with every row, and stories, lists and hooks go on")
def every_version():
    equal(sorted(int(re.search(r"schema-(\d+)", d).group(1)) for d in DUMPS), list(range(1, newest())), "the dumps")
    with Lab() as lab:
        lab.start()
        fresh = schema(lab.database)
    together(*(functools.partial(upgrade, dump, fresh) for dump in DUMPS))


def kept(lab):
    """The bytes of the database and its log; in the -shm every reader leaves marks."""
    files = {}
    for path in glob.glob(lab.database) + glob.glob(lab.database + "-wal"):
        with open(path, "rb") as f:
            files[path] = f.read()
    if not files.get(lab.database + "-wal"):
        files.pop(lab.database + "-wal", None)  # an empty one is none
    return files


@case("upgrade: a newer database than the program is refused with words by every program, and stays as it is")
def newer():
    with Lab() as lab:
        lab.start()
        lab.run("ipn-simulate", "play", "one-time", "-c", lab.config)
        lab.stop()
        with contextlib.closing(sqlite3.connect(lab.database)) as db:
            db.execute(f"PRAGMA user_version = {newest() + 1}")
        files = kept(lab)
        words = f"has schema {newest() + 1}, this program knows {newest()}: it was written by a newer ipnd"
        lab.start("ipn-hookd")  # waits, since an upgrade may be under way
        wait_for("ipn-hookd says it", lambda: words in lab.log("ipn-hookd"))
        lab.stop("ipn-hookd")
        said = [lab.run("ipnd", "-c", lab.config, code=None)]
        for verb in (("status",), ("explain", "x"), ("list", "orders"), ("conflicts", "accept", "1"), ("prune",), ("doctor", "--offline")):
            said.append(lab.ctl(*verb, code=None))
        for p in said:
            check(p.returncode != 0 and words in p.stderr + p.stdout, f"{p.args}: {p.returncode} {p.stderr} {p.stdout}")
        check(kept(lab) == files, "untouched")
