"""What each verb of ipnctl prints, piped, in a terminal (tmux) and as JSON, compared with tests/golden.

tests/golden/commands lists the commands. $IPND_GOLDEN=renew writes the files instead (tests/golden/renew shows the difference)."""

import contextlib
import difflib
import json
import os
import re
import shlex
import shutil
import subprocess
import unicodedata

import contract
from lab import PATIENCE, SOURCE, Skip, case, check, equal, say, wait_for
from shop import Shop

GOLDEN = os.path.join(SOURCE, "tests", "golden")
RENEW = os.environ.get("IPND_GOLDEN") == "renew"
DIFFERENCE_LINES = 60


RIGHT = {"TOTAL", "AMOUNT", "CAPTURED", "REFUNDED", "LIMIT", "LEFT", "REVERSED", "N", "EVENT", "COUNT", "MESSAGES", "UNSEEN", "PENDING",
         "RUNNING", "DEAD", "ATTEMPTS", "OPEN", "LAST EVENT", "NOTIFICATIONS"}  # headings of numbers


def columns_of(line):
    """The line as a terminal shows it: a wide character has two columns, a combining one none."""
    shown = []
    for c in line:
        if not unicodedata.combining(c) and unicodedata.category(c) != "Mn":
            shown += [c] + ["wide"] * (unicodedata.east_asian_width(c) in "WF")
    return shown


def check_tables(text, right):
    """Below each heading its column begins, or ends where it is of numbers. How many rows were looked at."""
    headings, rows = [], 0
    for line in text.split("\n"):
        parts = list(re.finditer(r"\S+(?: \S+)*", line))
        if len(parts) > 1 and re.fullmatch(r"[A-Z' ()]+", line):
            headings = parts
        elif not headings or not re.search(r"\S {2,}\S", line):  # a sentence ends a table
            headings = []
        else:
            shown, rows = columns_of(line), rows + 1
            for h in headings:
                at, beside = (h.end() - 1, (h.end(), h.end() + 1)) if h[0] in right else (h.start(), (h.start() - 2, h.start() - 1))
                check(len(shown) > at and shown[at] != " " and all(shown[i:i + 1] in ([" "], []) for i in beside if i >= 0),
                      f"{h[0]} is out of line: {line}")
    return rows


class Command:
    def __init__(self, line):
        code, self.forms, text = line.split(None, 2)
        self.code, self.words, self.text = int(code), shlex.split(text), text
        options = self.words[1:3] if self.words[1:2] == ["-c"] else []
        self.verb = next((w for w in self.words[1 + len(options):] if not w.startswith("-")), "ipnctl")


def commands():
    """Of each section of the list, in its order."""
    sections, now = {}, None
    with open(os.path.join(GOLDEN, "commands")) as f:
        for line in f.read().splitlines():
            if line.startswith("["):
                now = sections.setdefault(line.strip("[]"), [])
            elif line and not line.startswith("#"):
                now.append(Command(line))
    return sections


def readable(text):
    """Colours as \\e[31m, each line by itself: whatever way the terminal has of saying the same."""
    lines = []
    now = {}
    for line in text.split("\n"):
        out, shown = "", ""
        for codes, piece in re.findall(r"\033\[([\d;]*)m|([^\033]+)", line):
            for code in codes.split(";") if not piece else []:
                if code in ("", "0"):
                    now.clear()
                elif code in ("1", "2"):
                    now["weight"] = code
                elif code not in ("39", "49"):
                    now["colour"] = code
                elif code == "39":
                    now.pop("colour", None)
            style = ";".join(now[k] for k in sorted(now))
            if piece and style != shown and (piece.strip() or shown):
                style = style if piece.strip() else ""
                out += f"\\e[{style or 0}m"
                shown = style
            out += piece
        lines.append(out.rstrip() + ("\\e[0m" if shown else ""))
    return "\n".join(lines)


class Terminal:
    """A terminal of a fixed size, and what stands in it, with colours as \\e[...m."""

    def __init__(self, shop, width, height):
        self.shop, self.socket = shop, os.path.join(shop.folder, f"tmux-{width}")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), "exec sleep 3600",
                  env={"PATH": os.environ["PATH"], "SHELL": "/bin/sh", "LC_ALL": "C.UTF-8", "TERM": "xterm"})
        self.tmux("set-option", "-g", "history-limit", "5000")

    def tmux(self, *arguments, **options):
        p = subprocess.run(["tmux", "-u", "-S", self.socket, *arguments], capture_output=True, text=True, timeout=PATIENCE, **options)
        equal(p.returncode, 0, f"tmux {arguments}: {p.stderr}")
        return p.stdout

    def run(self, command):
        environment = " ".join(shlex.quote(f"{k}={v}") for k, v in self.shop.typed.items())
        script = f"cd {shlex.quote(self.shop.folder)}; env {environment} {command.text}; printf '\\n[exit %s]' $?; exec sleep 3600"
        pane = self.tmux("new-window", "-d", "-P", "-F", "#{pane_id}", script).strip()
        seen = []

        def ended():
            seen[:] = [self.tmux("capture-pane", "-p", "-e", "-J", "-S", "-", "-t", pane)]
            return re.search(r"\[exit \d+\]", seen[0])
        wait_for(command.text, ended)
        self.tmux("kill-pane", "-t", pane)
        return re.sub(r"\n*\[exit (\d+)\]$", r"\n[exit \1]", readable(seen[0].rstrip("\n"))) + "\n"

    def close(self):
        with contextlib.suppress(AssertionError):
            self.tmux("kill-server")


def piped(shop, command):
    p = subprocess.run(command.words, capture_output=True, text=True, timeout=PATIENCE, cwd=shop.folder,
                       env=dict(shop.environment, **shop.typed))
    shop.ended(command, p.returncode, p.stderr + p.stdout)
    return p


def as_text(shop, command):
    p = piped(shop, command)
    check("\033" not in p.stdout + p.stderr, f"{command.text}: no colour in a pipe")
    shop.rows_in_line += check_tables(p.stdout, RIGHT - {"EVENT"} if command.verb == "states" else RIGHT)  # there they are names
    return p.stdout + "".join(f"stderr: {line}\n" for line in p.stderr.splitlines()) + f"[exit {p.returncode}]\n"


def as_json(shop, command):
    with_json = Command(f"{command.code} j {command.text} --json")
    p = piped(shop, with_json)
    check(p.stdout.isascii() and "\x7f" not in p.stdout, f"{command.text}: JSON that may end at a terminal")
    values = [json.loads(line) for line in p.stdout.splitlines()]
    shop.told.append((command, values))
    return "".join(json.dumps(v, indent=1, ensure_ascii=True) + "\n" for v in values) + \
        "".join(f"stderr: {line}\n" for line in p.stderr.splitlines())


class Recorder:
    """What each file of tests/golden is to hold, in the order of the commands."""

    def __init__(self, shop):
        self.shop, self.files = shop, {}

    def add(self, command, form, text):
        heading = f"$ {command.text}{' --json' if form == 'json' else ''}\n"
        text = self.shop.tidy(text)
        if command.verb == "doctor":
            text = self.shop.tidy_doctor(text)
        self.files.setdefault(f"{command.verb}.{form}", []).append(heading + text)

    def compare(self):
        old = {n for n in os.listdir(GOLDEN) if n.endswith((".piped", ".terminal", ".json", ".narrow"))}
        new = {n: "\n".join(texts) for n, texts in self.files.items()}
        if RENEW:
            equal(self.shop.wrong_codes, [], "exit codes")
            for n in old - set(new):
                os.unlink(os.path.join(GOLDEN, n))
            for n, text in new.items():
                with open(os.path.join(GOLDEN, n), "w") as f:
                    f.write(text)
            return
        wrong = self.shop.wrong_codes + sorted(old ^ set(new))
        for n in sorted(old & set(new)):
            with open(os.path.join(GOLDEN, n)) as f:
                was = f.read()
            if was != new[n]:
                wrong.append(n)
                for line in list(difflib.unified_diff(was.splitlines(), new[n].splitlines(), n, "now", lineterm=""))[:DIFFERENCE_LINES]:
                    say(ascii(line)[1:-1])
        equal(wrong, [], "not as in tests/golden (where that is meant: tests/golden/renew)")


def every_form(shop, recorder, terminal, narrow, command, before=lambda: None):
    for letter, form, run in (("p", "piped", as_text), ("j", "json", as_json)):
        if letter in command.forms:
            before()
            recorder.add(command, form, run(shop, command))
    if "s" in command.forms:  # only that its JSON is as documented
        before()
        as_json(shop, command)
    for letter, form, window in (("t", "terminal", terminal), ("n", "narrow", narrow)):
        if letter in command.forms:
            before()
            text = window.run(command)
            shop.ended(command, int(re.search(r"\[exit (\d+)\]\n$", text).group(1)), text)
            recorder.add(command, form, text)


@case("golden: each verb piped, in a terminal and as JSON, beside both daemons, with both stopped, and what writes")
def golden():
    if not shutil.which("tmux"):
        raise Skip("tmux is not installed")
    sections = commands()
    with Shop() as shop, contextlib.ExitStack() as stack:
        recorder = Recorder(shop)
        shop.live()
        shop.lay_out()
        terminal, narrow = Terminal(shop, 100, 50), Terminal(shop, 80, 24)
        stack.callback(terminal.close)
        stack.callback(narrow.close)
        for command in sections.pop("running"):
            every_form(shop, recorder, terminal, narrow, command)
        shop.stop("ipn-hookd")
        shop.stop()
        for command in sections.pop("stopped"):
            every_form(shop, recorder, terminal, narrow, command)
        shop.keep()
        for command in sections.pop("changes"):
            every_form(shop, recorder, terminal, narrow, command, shop.back)
        shop.back()
        for command in sections.pop("one after another"):
            every_form(shop, recorder, terminal, narrow, command)
        equal(sections, {}, "sections")
        shutil.rmtree(shop.state)
        as_json(shop, Command("69 s ipnctl status"))
        contract.check_told(shop.told)
        check(shop.rows_in_line > 100, f"rows of tables: {shop.rows_in_line}")
        recorder.compare()


@case("golden: docs/json has a schema for each verb, closed, with words for each member")
def schemas():
    contract.check_schemas()


QUESTIONS = 10


def questions():
    """The commands of the README's questions, each with the lines of output it shows."""
    with open(os.path.join(SOURCE, "README.md")) as f:
        section = re.search(r"^## Ten questions of a support day\n(.*?)^## ", f.read(), re.S | re.M).group(1)
    asked = re.findall(r"^\*\*(\d+)\. .*?^```\n\$ (.*?)\n(.*?)^```$", section, re.S | re.M)
    equal([int(number) for number, _, _ in asked], list(range(1, QUESTIONS + 1)), "questions")
    return [(command, output.splitlines()) for _, command, output in asked]


def shows(printed, shown):
    """Whether the lines are those that were printed, but for what [...] stands for: any number of them, and at least one."""
    pattern = "".join(r"(?:[^\n]*\n)+?" if line == "[...]" else re.escape(line + "\n") for line in shown)
    return re.fullmatch(pattern, printed)


@case("golden: the README's ten questions are answered as it shows")
def readme():
    with Shop() as shop:
        shop.live()
        for command, shown in questions():
            p = piped(shop, Command(f"{69 if ' doctor' in command else 0} p {command}"))
            equal((p.stderr, shop.wrong_codes), ("", []), command)
            printed = shop.tidy(p.stdout)
            check(shows(printed, shown), "\n".join([f"README.md shows something else of {command}; it prints", *printed.splitlines()]))
