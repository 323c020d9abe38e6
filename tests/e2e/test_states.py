"""ipnctl states: the machine as tables, JSON and a graph; HACKING.md's picture and ipnd-schema(7) agree with it."""

import json
import os
import re
import shutil
import subprocess

from lab import BUILD, SOURCE, Lab, Skip, case, check, equal

PAGE = os.path.join(BUILD, "man", "ipnd-schema.7")


def ipnctl(*arguments, code=0):
    """Without any configuration: this verb needs none."""
    p = subprocess.run([os.path.join(BUILD, "ipnctl"), *arguments], env={"IPND_CONFIG": "/nonexistent"}, capture_output=True,
                       text=True, timeout=30)
    equal(p.returncode, code, f"{arguments}: {p.stderr}")
    return p.stdout


def machine():
    """Moves of every object, by its words: {"order reference": {("new", "Open"), ...}}."""
    objects = [json.loads(line) for line in ipnctl("states", "--json").splitlines()]
    return {o["object"].replace("_", " "): {(m["from"] or "new", m["to"]) for m in o["moves"]} for o in objects}


def picture():
    """The same, read from HACKING.md: objects on the left, chains of moves on the right, an empty line between groups."""
    with open(os.path.join(SOURCE, "HACKING.md")) as f:
        drawn = re.search(r"```\n(order reference .*?)```", f.read(), re.DOTALL).group(1)
    found = {}
    for group in drawn.rstrip("\n").split("\n\n"):
        names = [line[:30].strip() for line in group.split("\n") if line[:30].strip()]
        moves = set()
        for chain in re.split(r"\n|   +", "\n".join(line[30:] for line in group.split("\n"))):
            steps = re.split(r" (<?-->) ", chain)
            for left, arrow, right in zip(steps[0::2], steps[1::2], steps[2::2]):
                moves |= {(one, right) for one in left.split(", ")}
                moves |= {(right, left)} if arrow == "<-->" else set()
        found.update({name: moves for name in names})
    return found


@case("states: tables, JSON and one object alone, without configuration or database")
def forms():
    objects = [json.loads(line) for line in ipnctl("states", "--json").splitlines()]
    equal(len(objects), 9, "objects")
    table = ipnctl("states")
    for o in objects:
        equal(set(o), {"object", "states", "moves", "way_back", "events"}, "members")
        equal({m["to"] for m in o["moves"]}, set(o["states"]), "every state is reached")
        equal(ipnctl("states", "--json", o["object"]), json.dumps(o, separators=(",", ":")) + "\n", "alone")
        check(ipnctl("states", o["object"].replace("_", " ")).rstrip("\n") in table, "a part of the whole")
        for word in o["states"] + o["events"]:
            check(word in table, f"{word} is not in the table")
    equal([o["object"] for o in objects if o["way_back"]], ["order_reference", "billing_agreement"], "way back")
    ipnctl("states", "nonsense", code=64)
    ipnctl("states", "--json", "--dot", code=64)
    ipnctl("states", "capture", "refund", code=64)


@case("states: HACKING.md draws what the machine does")
def drawn():
    equal(picture(), machine(), "HACKING.md")


@case("states: --dot has every move, and graphviz draws it")
def dot():
    graph = ipnctl("states", "--dot")
    found = {}
    for name, a, b in re.findall(r'"(\w+)\.(\w+)" -> "\1\.(\w+)"', graph):
        found.setdefault(name.replace("_", " "), set()).add((a, b))
    equal(found, machine(), "edges")
    if not shutil.which("dot"):
        raise Skip("graphviz is not here; the edges are right")
    p = subprocess.run(["dot", "-Tsvg"], input=graph, capture_output=True, text=True, timeout=30)
    equal((p.returncode, p.stderr), (0, ""), "dot")
    equal(p.stdout.count('class="edge"'), sum(len(moves) for moves in found.values()), "arrows")
    equal(p.stdout.count('class="cluster"'), len(found), "frames")


@case("ipnd-schema(7): its examples in SQL run, its tables and columns are there")
def page():
    with open(PAGE) as f:
        text = f.read()
    with Lab() as lab:
        lab.start()
        lab.run("ipn-simulate", "play", "one-time", "--config", lab.config)
        order, number = lab.rows("SELECT order_reference_id, seller_order_id FROM order_reference")[0]
        lab.run("ipn-simulate", "play", "provider", "--config", lab.config)  # whose order stays open
        examples = re.findall(r"^\.Bd -literal.*?\n(SELECT .*?)^\.Ed", text, re.DOTALL | re.MULTILINE)
        equal(len(examples), 5, "examples")
        for sql in examples:
            sql = sql.replace("order-929226", number).replace("S01-4769315-4536777", order).replace("'live'", "'sandbox'")
            check(lab.rows(sql), f"nothing comes of {sql}")
        tables = re.search(r"^\.Sh TABLES\n(.*?)^\.Sh", text, re.DOTALL | re.MULTILINE).group(1)
        names, columns = set(), set()
        for name, kind in lab.rows("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"):
            names.add(name)
            columns |= {row[1] for row in lab.rows(f"PRAGMA table_info({name})")}
        told = {name for line in re.findall(r"^(?:\.It )?\.?Sy (.*)$", tables, re.MULTILINE) for name in re.findall(r"\w+", line)}
        equal(told, names, "tables")
        told = set(re.findall(r"^\.Va (\w+)", tables, re.MULTILINE)) - {"keep_raw"}
        check(told <= columns, f"no such columns: {told - columns}")


@case("ipnd(8): its table of answers is the list of verdicts, whole, and no fault of ours is a 4xx")
def answers():
    with open(os.path.join(SOURCE, "src", "verdict", "verdicts.def")) as f:
        rows = re.findall(r'^VERDICT\(\w+, "([^"]+)", (\d+), LOG_\w+, "[^"]+",\s+"([^"]+)"\)$', f.read(), re.M)
    with open(os.path.join(BUILD, "man", "ipnd.8")) as f:
        page = re.findall(r"^\.It (\d+) Ta (\S+) Ta (.+)$", f.read(), re.M)
    check(len(rows) > 25, "rows of the list")
    equal(page, [(status, word, meaning) for word, status, meaning in rows], "the table")
