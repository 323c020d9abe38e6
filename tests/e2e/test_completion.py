"""What shells complete: the programs' own answers, and each shell's side with its real completion functions."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess

from lab import BUILD, PATIENCE, PROGRAMS, SOURCE, Lab, Skip, capture_xml, case, check, equal, inner

HOSTILE = ("$(touch x)", "a;b", "`id`", "--all-dead", ":file", "\x1b[31mred", "a b", "x\ttab", "'", "\u202e", "*", "~")


def candidates(lab, *words, program="ipnctl", config=True):
    environment = dict(os.environ, IPND_CONFIG=lab.config if config else "/nonexistent")
    p = lab.run(program, "--complete", *words, env=environment)
    equal(p.stderr, "", f"{words}: silent")
    check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", p.stdout), f"{words}: {p.stdout!r}")
    return [line.split("\t")[0] for line in p.stdout.splitlines()]


def paid(lab):
    lab.start()
    lab.run("ipn-simulate", "play", "one-time", "-c", lab.config)
    return lab.one("SELECT order_reference_id FROM order_reference")


@case("completion: every verb and option of --help, and no other")
def names():
    with Lab() as lab:
        for program in PROGRAMS:
            text = lab.run(program, "--help").stdout
            options = re.findall(r"^  (?:-.,|   ) (--\S+)", text, re.M)
            equal(candidates(lab, "-", program=program), options, f"options of {program}")
            verbs = re.findall(r"^  ([a-z-]+)\b", text.split("Verbs:")[1].split("\nOptions:")[0], re.M) if "Verbs:" in text else []
            equal(candidates(lab, "", program=program), verbs, f"verbs of {program}")
            for verb in verbs:
                text = lab.run(program, verb, "--help").stdout
                options = re.findall(r"^  (?:-.,|   ) (--\S+)", text, re.M)
                equal(sorted(candidates(lab, verb, "--", program=program)), sorted(options), f"options of {program} {verb}")


@case("completion: each argument by what it is, ids and numbers from the database, names from the configuration")
def arguments():
    with Lab() as lab:
        order = paid(lab)
        parts = sorted(r[0] for r in lab.rows("SELECT DISTINCT object_id FROM fact"))
        message, number = lab.rows("SELECT message_id, id FROM notification ORDER BY id")[0][0], str(lab.one("SELECT max(id) FROM event"))
        for state in ("Completed", "Declined"):
            lab.send(lab.envelope(inner(capture_xml(state=state))))
        for words, expected in (
                (["explain", order], parts),
                (["show", order + "-C"], [p for p in parts if "-C" in p]),
                (["-c", lab.config, "show", order + "-C"], [p for p in parts if "-C" in p]),
                (["show", message[:6]], [message]),
                (["show", "--raw", "order-"], [lab.one("SELECT seller_order_id FROM order_reference")]),
                (["conflicts", ""], ["accept", "dismiss"]),
                (["conflicts", "accept", ""], [str(lab.one("SELECT id FROM fact WHERE place IS NULL"))]),
                (["conflicts", "accept", "1", ""], []),
                (["hooks", "re"], ["retry", "resume"]),
                (["hooks", "resume", ""], ["print"]),
                (["hooks", "--hook", ""], ["print"]),
                (["hooks", "--state", "d"], ["done", "dead"]),
                (["subscriptions", ""], ["confirm"]),
                (["list", "re"], ["refunds", "reversals"]),
                (["list", "orders", "--account", ""], ["rehearsal"]),
                (["list", "orders", "--state", ""], ["Open", "Suspended", "Closed", "Canceled"]),
                (["list", "--state", "C", "capt"], ["captures"]),
                (["list", "captures", "--state=C"], ["--state=Completed", "--state=Closed"]),
                (["list", "captures", "--state", "=", "C"], ["Completed", "Closed"]),
                (["list", "captures", "--state", "="], ["Pending", "Completed", "Declined", "Closed"]),
                (["list", "notifications", "--state", "u"], ["unrecognized", "unchanged"]),
                (["list", "events", "--state", "refund.c"], ["refund.completed"]),
                (["events", "--name", "hook"], ["hook.dead"]),
                (["--color", "a"], ["auto", "always"]),
                (["verify", "--at", ""], ["now", "sent"]),
                (["states", "c"], ["capture", "chargeback"]),
                (["verify", ""], [":file"]), (["ingest", "a", "b"], [":file"]), (["--config", ""], [":file"]),
                (["verify", "--certificate", ""], [":file"]), (["verify", "a", ""], []),
                (["--", "expl"], ["explain"]), (["nonsense", ""], []), (["list", "orders", "--limit", ""], [])):
            got = candidates(lab, *words)
            equal(sorted(got), sorted(expected), f"{words}")
        check(candidates(lab, "explain", "")[-1].startswith("S01-"), "the newest without a letter typed")
        check(number in candidates(lab, "replay", "") and number in candidates(lab, "replay", number[0]), "events")
        check(len(candidates(lab, "replay", "")) == len(lab.rows("SELECT 1 FROM event")), "all events")
        equal(candidates(lab, "play", "one", program="ipn-simulate"), ["one-time"], "scenarios")
        equal(candidates(lab, "init", "", program="ipn-simulate"), [":folder"], "a folder")
        equal(candidates(lab, "play", "--signature-version", "", program="ipn-simulate"), ["1", "2"], "versions")
        equal(candidates(lab, "-c", "", program="ipnd"), [":file"], "the configuration")
        equal(candidates(lab, "explain", "", config=False), [], "without a configuration")


@case("completion: of a great many, few are shown, among them the first and the last; nothing hostile; silent without a database")
def bounds():
    with Lab() as lab:
        equal(candidates(lab, "explain", ""), [], "no database")
        equal(candidates(lab, "list", "orders", "--account", ""), ["rehearsal"], "the configuration alone")
        paid(lab)
        lab.stop()
        with contextlib.closing(sqlite3.connect(lab.database)) as db, db:
            columns = "object_type, object_id, state, at, notification_id, place, account, environment, seller_id"
            db.execute(f"WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO fact ({columns}) "
                       "SELECT 'capture', printf('S02-%07d-2222222-C000001', i * 3), 'Completed', 't', 1, 1, 'a', 'live', 's' FROM n")
            for text in HOSTILE:
                db.execute(f"INSERT INTO fact ({columns}) VALUES ('capture', ?, 'Completed', 't', 1, 1, 'a', 'live', 's')", (text,))
                db.execute("INSERT INTO order_reference (order_reference_id, account, environment, state, seller_order_id, updated_at) "
                           "VALUES (?, 'a', 'live', 'Open', ?, 't')", ("P" + text, text * 3))
        found = candidates(lab, "explain", "S02-")
        check(2 < len(found) < 60, f"{len(found)}")
        check({"S02-0000000-2222222-C000001", "S02-0009000-2222222-C000001"} <= set(found), "the first and the last")
        found = candidates(lab, "explain", "S02-0001")
        check({"S02-0001002-2222222-C000001", "S02-0001998-2222222-C000001"} <= set(found) and len(found) < 60, f"{found}")
        for text in HOSTILE:
            for word in (text[:1], text):
                check(not set(candidates(lab, "show", word)) & {text, text * 3}, f"{text!r} after {word!r}")
        if os.geteuid() == 0:
            p = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", os.path.join(BUILD, "ipnctl"), "--complete", "show", ""],
                               env=dict(os.environ, IPND_CONFIG=lab.config), capture_output=True, text=True, timeout=PATIENCE)
            equal((p.stdout, p.stderr), ("", ""), "no permission")
        with open(lab.database, "w") as f:
            f.write("nonsense" * 1000)
        equal(candidates(lab, "show", ""), [], "a damaged database")


BASH = r"""
compopt() { echo "compopt $*"; }
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
complete -p "${1##*/}" >/dev/null && _ipnd "$1" "${COMP_WORDS[COMP_CWORD]}" && printf '%s\n' "${COMPREPLY[@]}"
"""
ZSH = r"""
_describe() { print -l -- ${(P)3%%:*} }
_files() { print files "$@" }
autoload -U _ipnd
service=$1 words=("$@") CURRENT=$#
_ipnd
"""


def shell(lab, program, *arguments):
    if not shutil.which(program):
        return None
    environment = dict(os.environ, PATH=f"{BUILD}:{os.environ['PATH']}", IPND_CONFIG=lab.config, HOME=lab.folder)
    p = subprocess.run([program, *arguments], env=environment, cwd=lab.folder, capture_output=True, text=True, timeout=PATIENCE)
    equal((p.returncode, p.stderr), (0, ""), f"{program}")
    return [line.split("\t")[0] for line in p.stdout.splitlines() if line]


def ask_bash(lab, *words):
    return shell(lab, "bash", "-c", BASH, "bash", os.path.join(BUILD, "completions", "bash", words[0].split("/")[-1]), *words)


def ask_zsh(lab, *words):
    return shell(lab, "zsh", "-f", "-c", f"fpath=({SOURCE}/completions $fpath)\n" + ZSH, "zsh", *words)


def ask_fish(lab, *words):
    line = " ".join(words)
    file = os.path.join(BUILD, "completions", "fish", words[0].split("/")[-1] + ".fish")
    return shell(lab, "fish", "--no-config", "-c", f"source {file}; complete -C {json.dumps(line)}")


@case("completion: bash, zsh and fish show what the programs say, with their own functions")
def shells():
    with Lab() as lab:
        order = paid(lab)
        with open(os.path.join(lab.folder, "saved.json"), "w"):
            pass
        missing = []
        for name, ask, files in (("bash", ask_bash, ["compopt -o default"]), ("zsh", ask_zsh, ["files "]), ("fish", ask_fish, ["saved.json"])):
            if not shutil.which(name):
                missing.append(name)
                continue
            equal(sorted(ask(lab, "ipnctl", "ex")), ["explain"], name)
            equal(sorted(ask(lab, "ipnctl", "explain", order)), sorted(candidates(lab, "explain", order)), name)
            equal(sorted(ask(lab, "ipnctl", "list", "captures", "--state", "C")), ["Closed", "Completed"], name)
            equal(sorted(ask(lab, "ipn-simulate", "play", "--sh")), ["--shuffle"], name)
            equal(sorted(ask(lab, "ipnd", "--ch")), ["--check-config"], name)
            equal(sorted(ask(lab, "./ipnctl", "ex")) if name != "zsh" else ["explain"], ["explain"], f"{name}: by another path")
            got = [line for line in ask(lab, "ipnctl", "verify", "sav")]
            check(any(f in g + " " for f in files for g in got), f"{name}: files: {got}")
        equal(sorted(ask_bash(lab, "ipnctl", "list", "captures", "--state", "=", "C")), ["Closed", "Completed"], "bash: --state=C")
        if missing:
            raise Skip(f"{' and '.join(missing)} not here; the rest is right")
