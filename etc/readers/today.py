#!/usr/bin/python3
"""What went wrong today (UTC), and what is due in the next days. Prints nothing when all is well.

    today.py [DATABASE [DAYS]]

The user must be a member of the group ipnd."""

import contextlib
import pathlib
import sqlite3
import sys

path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/var/lib/ipnd/ipnd.db")
days = int(sys.argv[2]) if len(sys.argv) > 2 else 3

# Read only; if the database is locked for a moment, wait for it. as_uri() writes whatever is in the path as it must be.
with contextlib.closing(sqlite3.connect(path.resolve().as_uri() + "?mode=ro", uri=True, timeout=5)) as db:
    # All at once: a cursor that is left half read holds up ipnd's log.
    failures = db.execute("SELECT at, kind, coalesce(object_id, ''), what FROM failure "
                          "WHERE at >= strftime('%Y-%m-%dT00:00:00.000Z', 'now') ORDER BY at").fetchall()
    due = db.execute("SELECT at, object_id, open_minor, currency, action FROM due "
                     "WHERE at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?) ORDER BY at", (f"+{days} days",)).fetchall()

# ascii(): what strangers wrote must not reach a terminal as it came.
for at, kind, object_id, what in failures:
    print(at[11:16], kind, object_id, ascii(what)[1:-1])
for at, object_id, open_minor, currency, action in due:
    print("until", at[:16], object_id, f"{open_minor} minor units of {currency}:", action)
